"""Hand-made predictions through the command, under each policy, against numbers thought out beforehand."""

import json

import numpy as np
import pytest
from evaluation.made_cohort import Made, make_cases, write_cohort, write_predictions
from segmentation.stubs import bleeding_head, make_unet_checkpoint
from sklearn.metrics import f1_score
from tiny import box_scan
from typer.testing import CliRunner

from ichnos.cli.app import app
from ichnos.cohorts.folds import Folds, write_folds
from ichnos.evaluation.score import read_scores
from ichnos.models.checkpoint import save_checkpoint
from ichnos.scans import Mask, read_scan, write_mask
from ichnos.segmentation.segmenter import load_segmenter

CASES = make_cases()
DICE = {
    "border": 2 * 12 / (18 + 32),
    "everything": 2 * 50 / (50 + 576),
    "missed": 0.0,
    "one-voxel": 2 / 3,
    "shifted": 2 * 40 / (50 + 50),
    "uneven": 2 * 40 / (40 + 50),
}
"""Of the six volumes that bleed, by hand."""


def ichnos(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_cohort(tmp_path_factory.mktemp("cohort"), CASES)


@pytest.fixture
def predictions(tmp_path):
    return write_predictions(tmp_path / "predictions", CASES)


def evaluate(cohort, predictions, output, *more):
    return ichnos("evaluate", "-i", cohort, "--cohort", "phantoms", "-p", predictions, "-o", output, *more)


def figure(output, measure, view, result=0):
    content = json.loads((output / "summary.json").read_text())
    figures = content["results"][result]["figures"]
    return next(one["summary"] for one in figures if (one["measure"], one["view"], one["fold"]) == (measure, view, ""))


def test_dice_by_hand_is_sklearns():
    for name, dice in DICE.items():
        made = CASES[name]
        assert dice == pytest.approx(f1_score(made.label.ravel(), made.predicted.ravel(), zero_division=0.0))


@pytest.mark.parametrize(
    ("policy", "over_all"),
    [
        ("excluded", sum(DICE.values()) / 7),
        ("counted-one", (sum(DICE.values()) + 1) / 8),
        ("epsilon-one", None),
    ],
)
def test_each_policy_gives_the_figures_that_were_thought_out(tmp_path, cohort, predictions, policy, over_all):
    result = evaluate(cohort, predictions, tmp_path / "out", "--empty", policy)
    assert result.exit_code == 0, result.output
    if over_all is None:  # one is added above and below
        voxels = {
            name: (made.predicted.sum() + made.label.sum(), (made.predicted & made.label).sum())
            for name, made in CASES.items()
        }
        over_all = np.mean([(2 * shared + 1) / (total + 1) for total, shared in voxels.values()])
    summary = figure(tmp_path / "out", "dice", "all")
    assert summary["mean"] == pytest.approx(over_all, abs=1e-6)
    assert (summary["both_empty"], summary["missed"], summary["invented"]) == (1, 1, 1)
    text = (tmp_path / "out" / "summary.md").read_text()
    assert f"empty masks {policy}" in text
    assert "Research use only" in text


def test_several_protocols_from_one_run(tmp_path, cohort, predictions):
    out = tmp_path / "out"
    evaluate(cohort, predictions, out, "--protocol", "hgi-sam", "--protocol", "label-efficient")
    bleeding = [made.label.any(axis=(1, 2)) for made in CASES.values()]
    assert figure(out, "dice", "bleeding", 0)["scored"] == sum(int(one.sum()) for one in bleeding)
    assert figure(out, "recall", "all", 1)["scored"] == 8


def test_a_missing_prediction_is_an_error_or_an_empty_mask(tmp_path, cohort, predictions):
    (predictions / "shifted.nii.gz").unlink()
    (predictions / "stranger.nii.gz").write_bytes((predictions / "missed.nii.gz").read_bytes())
    refused = evaluate(cohort, predictions, tmp_path / "out")
    assert refused.exit_code == 2
    assert "1 case(s) have no prediction: shifted" in refused.output
    counted = evaluate(cohort, predictions, tmp_path / "out", "--missing", "empty")
    assert counted.exit_code == 0, counted.output
    assert "belong to no case and are not used: stranger.nii.gz" in counted.output
    assert (
        "1 case(s) have no prediction: shifted; counted as empty masks" in (tmp_path / "out" / "summary.md").read_text()
    )
    summary = figure(tmp_path / "out", "dice", "bleeding")
    assert summary["missed"] == 2
    assert summary["mean"] == pytest.approx((sum(DICE.values()) - DICE["shifted"]) / 6)


def test_a_prediction_on_another_grid_fails_alone(tmp_path, cohort, predictions):
    made = CASES["shifted"]
    half = box_scan((4, 6, 12), (5.0, 2.0, 2.0)).geometry
    write_mask(Mask(made.predicted[:, ::2], half), predictions / "shifted.nii.gz")
    result = evaluate(cohort, predictions, tmp_path / "out")
    assert result.exit_code == 1
    assert "shifted: failed:" in result.output
    assert "has 4 x 6 x 12 voxels, the scan 4 x 12 x 12" in result.output
    assert figure(tmp_path / "out", "dice", "bleeding")["scored"] == 5
    assert "shifted" in read_scores(tmp_path / "out").left_out


def test_it_goes_on_where_it_stopped_and_mixes_nothing(tmp_path, cohort, predictions):
    out = tmp_path / "out"
    evaluate(cohort, predictions, out)
    first = (out / "slices.csv").read_bytes()
    (out / "scores.json").unlink()
    (out / "cases" / "missed.json").unlink()
    again = evaluate(cohort, predictions, out)
    assert again.output.count(": kept:") == 7
    assert (out / "slices.csv").read_bytes() == first
    made = CASES["missed"]
    write_mask(Mask(made.label, made.scan.geometry), predictions / "missed.nii.gz")
    changed = evaluate(cohort, predictions, out)
    assert changed.output.count(": kept:") == 7
    assert "missed: done: Dice 1.000" in changed.output
    other = write_predictions(tmp_path / "other", CASES)
    refused = evaluate(cohort, other, out)
    assert refused.exit_code == 2
    assert "holds scores of other predictions" in refused.output
    assert evaluate(cohort, other, out, "--overwrite").exit_code == 0


def test_cases_and_folds_come_from_tables(tmp_path, cohort, predictions):
    rows = [f"{name},{number % 2}" for number, name in enumerate(CASES)]
    (tmp_path / "folds.csv").write_text("\n".join(["case,fold", *rows]) + "\n")
    (tmp_path / "some.csv").write_text("case\nshifted\nmissed\n")
    out = tmp_path / "out"
    result = evaluate(cohort, predictions, out, "--folds", tmp_path / "folds.csv", "--cases", tmp_path / "some.csv")
    assert result.exit_code == 0, result.output
    assert figure(out, "dice", "bleeding")["mean"] == pytest.approx(DICE["shifted"] / 2)
    (tmp_path / "some.csv").write_text("case\nnobody\n")
    assert (
        "1 case(s) are not in the collection: nobody"
        in evaluate(cohort, predictions, tmp_path / "b", "--cases", tmp_path / "some.csv").output
    )
    (tmp_path / "some.csv").write_text("name\nnobody\n")
    assert (
        "needs the column(s) case"
        in evaluate(cohort, predictions, tmp_path / "b", "--cases", tmp_path / "some.csv").output
    )


def test_frozen_folds_are_those_of_a_table(tmp_path, cohort, predictions):
    names, folds = tuple(CASES), tuple(number % 2 for number in range(len(CASES)))
    write_folds(Folds("phantoms", 2, names, names, folds, 0), tmp_path / "folds.json")
    rows = [f"{name},{fold}" for name, fold in zip(names, folds, strict=True)]
    (tmp_path / "folds.csv").write_text("\n".join(["case,fold", *rows]) + "\n")
    figures = []
    for table in ("folds.json", "folds.csv"):
        result = evaluate(cohort, predictions, tmp_path / "out", "--protocol", "hgi-sam", "--folds", tmp_path / table)
        assert result.exit_code == 0, result.output
        figures.append(json.loads((tmp_path / "out" / "summary.json").read_text())["results"][0]["figures"])
    assert figures[0] == figures[1]
    assert {one["fold"] for one in figures[0]} == {"", "0", "1"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--protocol", "hgisam"), "did you mean 'hgi-sam'"),
        (("--empty", "ignored"), "no empty-mask policy is called 'ignored'"),
        (("--missing", "guess"), "--missing is 'guess'; it may be: refuse, empty"),
        (("-m", "model"), "give predictions with -p, or a checkpoint with -m, not both"),
    ],
)
def test_wrong_usage_is_one_line(tmp_path, cohort, predictions, more, message):
    result = evaluate(cohort, predictions, tmp_path / "out", *more)
    assert result.exit_code == 2
    assert message in result.output


def test_a_checkpoint_predicts_on_the_fly(tmp_path):
    scan = bleeding_head()
    label = scan.voxels_hu == 70.0
    cohort = write_cohort(tmp_path / "cohort", {"head": Made(scan, label, label)})
    model = save_checkpoint(make_unet_checkpoint(), tmp_path / "unet", "a test model")
    result = ichnos("evaluate", "-i", cohort, "--cohort", "phantoms", "-m", model, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "out" / "summary.json").read_text())
    expected = load_segmenter(model, "cpu")(read_scan(cohort / "scans" / "head.nii.gz"))
    score = read_scores(tmp_path / "out").cases[0]
    assert score.predicted_ml == pytest.approx(expected.volume_ml)
    assert [one.probability for one in score.slices] == pytest.approx(expected.slice_probabilities.tolist())
    assert [one.detected for one in score.slices] == (expected.slice_probabilities >= 0.5).tolist()
    assert content["results"][0]["detections"][0]["roc_auc"] is not None
    assert content["made_with"]["model"] == "unet"

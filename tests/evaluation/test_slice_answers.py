"""Answers about slices, from a table to the published numbers."""

import csv
import json

import nibabel
import numpy as np
import pytest
from tiny import box_scan
from typer.testing import CliRunner

from ichnos.cli.app import app
from ichnos.errors import UsageError
from ichnos.evaluation import published
from ichnos.evaluation.published import DETECTION_COUNTS, FOLD_SLICES
from ichnos.evaluation.slice_answers import answer_slices, read_answers
from ichnos.metrics.detection import RATES

SCAN = box_scan((3, 4, 4))


def write(path, text):
    path.write_text(text)
    return path


def test_answers_are_joined_by_slice_never_by_order(tmp_path):
    table = write(tmp_path / "a.csv", "case,z,probability,called\na,2,0.2,1\nb,0,1,1\na,0,0.7,\na,1,0.4,\n")
    found = answer_slices(read_answers(table), "a", SCAN)
    assert found.bleed_mask is None
    assert found.slice_probabilities.tolist() == [0.7, 0.4, 0.2]
    assert found.detected.tolist() == [True, False, True]
    table = write(tmp_path / "a.csv", "case;z;called\na;0;no\na;1;yes\na;2;no\n")
    found = answer_slices(read_answers(table), "a", SCAN)
    assert found.slice_probabilities is None
    assert found.detected.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case,z\na,0\n", "needs the columns case, one of z and instance_uid, and probability or called"),
        ("case,probability\na,0.5\n", "needs the columns case, one of z and instance_uid"),
        ("case,z,probability\na,0,1.5\n", "line 2, column probability: 1.5 is not within 0 to 1"),
        ("case,z,probability\na,0,nan\n", "nan is not within 0 to 1"),
        ("case,z,probability\na,0,high\n", "'high' is not a number"),
        ("case,z,probability\na,0,\n", "neither probability nor call"),
        ("case,z,called\na,0,1\na,0,0\n", "slice 0 of a stands there twice"),
        ("case,z,called\na,0,maybe\n", "'maybe' is neither yes nor no"),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused(tmp_path, text, message):
    with pytest.raises(UsageError, match=message):
        read_answers(write(tmp_path / "a.csv", text))


def test_every_slice_has_one_answer(tmp_path):
    table = write(tmp_path / "a.csv", "case,z,called\na,0,1\na,1,0\na,7,0\n")
    with pytest.raises(
        UsageError, match=r"case a has 3 slices with z; without an answer: 2; answers without a slice: 7"
    ):
        answer_slices(read_answers(table), "a", SCAN)
    table = write(tmp_path / "a.csv", "case,instance_uid,called\na,1.2,1\n")
    with pytest.raises(UsageError, match="case a has 0 slices with instance_uid"):
        answer_slices(read_answers(table), "a", SCAN)


@pytest.fixture(scope="module")
def folds_of_the_paper(tmp_path_factory):
    """A collection with slice labels and no masks: a scan for each fold, with as many slices as the paper tells."""
    folder = tmp_path_factory.mktemp("paper")
    rows = ["scan,case,slice_labels"]
    (folder / "labels").mkdir()
    for fold, (bleeding, healthy) in enumerate(FOLD_SLICES, 1):
        voxels = np.full((2, 2, bleeding + healthy), 40, np.int16)
        voxels[0, 0, 0] = -1000
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag([-1.0, -1.0, 1.0, 1.0])), folder / f"{fold}.nii.gz")
        rows.append(f"{fold}.nii.gz,{fold},labels/{fold}.csv")
        labels = [f"{z},{int(z < bleeding)}" for z in range(bleeding + healthy)]
        write(folder / "labels" / f"{fold}.csv", "\n".join(["z,any", *labels]) + "\n")
    write(folder / "folds.csv", "case,fold\n" + "".join(f"{fold},{fold}\n" for fold in range(1, 6)))
    write(folder / "scans.csv", "\n".join(rows) + "\n")
    return folder


@pytest.mark.parametrize("method", ["Swin-HGI-SAM", "U-Net"])  # all five agree; two are enough, for time
def test_the_published_matrices_as_answers_give_the_published_table(tmp_path, folds_of_the_paper, method):
    """From a table of answers through `ichnos evaluate` to table 2 of Rasoulian et al. 2023, to the digit."""
    rows = ["case,z,called"]
    for fold, (tp, tn, fp, fn) in enumerate(DETECTION_COUNTS[method], 1):
        called = [1] * tp + [0] * fn + [1] * fp + [0] * tn
        rows += [f"{fold},{z},{yes}" for z, yes in enumerate(called)]
    answers, out = write(tmp_path / "answers.csv", "\n".join(rows) + "\n"), tmp_path / "out"
    collection = ("-i", folds_of_the_paper / "scans.csv", "--cohort", "folder")
    more = ("--folds", folds_of_the_paper / "folds.csv", "--protocol", "hgi-sam", "-o", out)
    result = CliRunner().invoke(app, ["evaluate", *map(str, (*collection, "-p", answers, *more))])
    assert result.exit_code == 0, result.output
    assert "5 of 5 cases enter detection only" in result.output
    found = json.loads((out / "summary.json").read_text())["results"][0]
    assert found["figures"] == []
    printed = {one["fold"] or "all": [f"{one[rate]:.3f}" for rate in RATES] for one in found["detections"]}
    assert printed == {
        fold: [f"{published.detection(rate, method, fold):.3f}" for rate in RATES] for fold in published.FOLDS
    }
    with (out / "slices.csv").open(newline="") as stream:
        assert sum(int(row["detected"]) for row in csv.DictReader(stream)) == sum(
            tp + fp for tp, _, fp, _ in DETECTION_COUNTS[method]
        )

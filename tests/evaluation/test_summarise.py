"""Figures against sklearn, statistics by hand, and the identities of the second paper's table."""

import json
import statistics
from dataclasses import replace

import numpy as np
import pytest
from evaluation.made_cohort import labelled, make_cases
from sklearn.metrics import f1_score, jaccard_score

from ichnos.errors import UsageError
from ichnos.evaluation.case_score import Counts, SliceScore, score_case
from ichnos.evaluation.predictions import Prediction
from ichnos.evaluation.protocols import PROTOCOLS
from ichnos.evaluation.published import DETECTION_COUNTS
from ichnos.evaluation.score import Scores
from ichnos.evaluation.summarise import summarise_scores, to_plain
from ichnos.metrics.detection import ConfusionMatrix

CASES = make_cases()


def scored(names=tuple(CASES), **told):
    cases = tuple(score_case(labelled(name, CASES[name]), Prediction(CASES[name].predicted, **told)) for name in names)
    return Scores(cases, {}, {"lost": "failed: gone"}, ("a note",))


def stretched(mask, size):
    rows, columns = (((np.arange(size) + 0.5) * length / size).astype(int) for length in mask.shape)
    return mask[rows][:, columns].ravel()


def test_the_first_protocol_is_the_mean_over_bleeding_slices():
    result = summarise_scores(scored(), PROTOCOLS["hgi-sam"])
    pairs = [
        (stretched(made.predicted[z], 384), stretched(made.label[z], 384))
        for made in CASES.values()
        for z in range(4)
        if made.label[z].any()
    ]
    for name, sklearns in (("dice", f1_score), ("iou", jaccard_score)):
        values = [sklearns(label, predicted, zero_division=0.0) for predicted, label in pairs]
        summary = result.find(name, "bleeding").summary
        assert summary.mean == pytest.approx(np.mean(values), abs=1e-6)
        assert summary.standard_error == pytest.approx(statistics.stdev(values) / len(values) ** 0.5, abs=1e-6)
        assert (summary.scored, summary.missed) == (len(pairs), sum(not predicted.any() for predicted, _ in pairs))


def test_the_second_protocol_adds_one_to_everything():
    result = summarise_scores(scored(), PROTOCOLS["label-efficient"])
    values = {"dice": [], "precision": [], "recall": []}
    healthy = []
    for made in CASES.values():
        pairs = [(stretched(made.predicted[z], 256), stretched(made.label[z], 256)) for z in range(4)]
        predicted, label = (np.concatenate(side) for side in zip(*pairs, strict=True))
        hit, extra, missing = (predicted & label).sum(), (predicted & ~label).sum(), (~predicted & label).sum()
        values["dice"].append((2 * hit + 1) / (2 * hit + extra + missing + 1))
        values["precision"].append((hit + 1) / (hit + extra + 1))
        values["recall"].append((hit + 1) / (hit + missing + 1))
        healthy.append(not label.any())
    for name, listed in values.items():
        everything, bleeding = result.find(name, "all").summary, result.find(name, "bleeding").summary
        assert everything.mean == pytest.approx(np.mean(listed), abs=1e-6)
        assert everything.deviation == pytest.approx(statistics.stdev(listed), abs=1e-6)
        kept = [value for value, well in zip(listed, healthy, strict=True) if not well]
        assert (bleeding.mean, bleeding.scored) == (pytest.approx(np.mean(kept), abs=1e-6), len(kept))
    recall = [result.find("recall", view).summary for view in ("all", "bleeding")]
    assert recall[0].mean * 8 == pytest.approx(recall[1].mean * 6 + 2), "recall of healthy volumes is always 1"


def test_ours_has_intervals_by_patient_and_agreement():
    result = summarise_scores(scored(), PROTOCOLS["ichnos"])
    dice = result.find("dice", "bleeding")
    assert dice.low < dice.summary.mean < dice.high
    assert dice.patients == 6
    everything = result.find("dice", "all").summary
    assert (everything.scored, everything.excluded, everything.both_empty) == (7, 1, 1)
    assert (everything.missed, everything.invented) == (1, 1)
    label = [made.scan.geometry.volume_ml(made.label) for made in CASES.values()]
    predicted = [made.scan.geometry.volume_ml(made.predicted) for made in CASES.values()]
    assert result.volumes["bias_ml"] == pytest.approx(np.mean(predicted) - np.mean(label))
    assert result.volumes["mean_invented_ml"] == pytest.approx(0.16 / 2)


def test_another_policy_is_named_as_such():
    result = summarise_scores(scored(), PROTOCOLS["ichnos"], "counted-one")
    assert result.find("dice", "all").summary.scored == 8
    assert "empty masks: counted-one; the protocol's own is excluded" in result.notes
    assert any("1 cases were left out: lost" in note for note in result.notes)
    assert "a note" in result.notes


def test_folds_have_figures_of_their_own():
    folds = {name: str(number % 2) for number, name in enumerate(CASES)}
    result = summarise_scores(scored(), PROTOCOLS["hgi-sam"], folds=folds)
    parts = [result.find("dice", "bleeding", fold).summary for fold in ("0", "1")]
    whole = result.find("dice", "bleeding").summary
    assert sum(part.mean * part.scored for part in parts) == pytest.approx(whole.mean * whole.scored)
    matrices = {one.fold: one.matrix for one in result.detections}
    assert matrices["0"] + matrices["1"] == matrices[""]
    folds.pop("uneven")
    with pytest.raises(UsageError, match=r"1 case\(s\) have no fold: uneven"):
        summarise_scores(scored(), PROTOCOLS["hgi-sam"], folds=folds)


def test_slices_are_called_by_ten_pixels_of_the_grid_where_only_a_mask_is_known():
    """Of 12 x 12 pixels one is 32 x 32 of the 384 grid: every filled slice is called."""
    result = summarise_scores(scored(), PROTOCOLS["hgi-sam"])
    matrix = result.detections[0].matrix
    called = np.concatenate([made.predicted.any(axis=(1, 2)) for made in CASES.values()])
    bleeds = np.concatenate([made.label.any(axis=(1, 2)) for made in CASES.values()])
    assert matrix.true_positive == (called & bleeds).sum()
    assert matrix.false_positive == (called & ~bleeds).sum()
    assert matrix.true_negative == (~called & ~bleeds).sum()
    assert np.isnan(result.detections[0].roc_auc)


def test_told_answers_go_before_pixels():
    told = {"slice_probabilities": np.array([0.9, 0.8, 0.1, 0.0]), "detected": np.array([True, True, False, False])}
    result = summarise_scores(scored(["shifted"], **told), PROTOCOLS["ichnos"])
    by_slice, by_scan = result.detections
    assert (by_slice.unit, by_slice.matrix.true_positive, by_slice.matrix.false_positive) == ("slice", 1, 1)
    assert by_slice.roc_auc == pytest.approx(0.5)
    assert (by_scan.unit, by_scan.matrix.true_positive) == ("scan", 1)


@pytest.mark.parametrize("method", DETECTION_COUNTS)
def test_published_confusion_matrices_come_back(method):
    """Slices made from the integers of the first paper's table 2 are counted back, fold by fold."""
    folds, cases = {}, []
    base = scored(["shifted"]).cases[0]
    for fold, (tp, tn, fp, fn) in enumerate(DETECTION_COUNTS[method]):
        kinds = ((tp, True, 10), (tn, False, 9), (fp, False, 10), (fn, True, 9))
        slices = [
            SliceScore(z=z, label=label, probability=None, detected=None, counts={"384": Counts(tp=0, fp=pixels, fn=1)})
            for count, label, pixels in kinds
            for z in range(count)
        ]
        cases.append(base.model_copy(update={"case": f"fold {fold}", "slices": tuple(slices)}))
        folds[f"fold {fold}"] = str(fold)
    result = summarise_scores(Scores(tuple(cases), {}), PROTOCOLS["hgi-sam"], folds=folds)
    matrices = [one.matrix for one in result.detections[1:]]
    found = [(one.true_positive, one.true_negative, one.false_positive, one.false_negative) for one in matrices]
    assert found == list(DETECTION_COUNTS[method])


def test_plain_values_are_json_without_nan():
    plain = to_plain(summarise_scores(scored(["empty"]), PROTOCOLS["ichnos"]))
    text = json.dumps(plain, allow_nan=False)
    assert json.loads(text)["figures"][0]["summary"]["mean"] is None
    assert plain["detections"][0]["undefined"]


def test_nothing_scored_is_said():
    with pytest.raises(UsageError, match="no case was scored"):
        summarise_scores(Scores((), {}), PROTOCOLS["ichnos"])


def test_cases_without_masks_enter_detection_only_and_are_named():
    """As in RSNA, whose slices are labelled, and CQ500, whose scans are."""
    drawn, slices, scan = (labelled(name, CASES["shifted"]) for name in ("drawn", "slices", "scan"))
    scan.slice_labels[:] = -1
    scan = replace(scan, bleed_masks=None, case=replace(scan.case, scan_labels={"any": False}))
    answers = Prediction(None, np.array([0.1, 0.9, 0.4, 0.6]), np.array([False, True, False, True]))
    cases = [
        score_case(drawn, Prediction(CASES["shifted"].predicted, answers.slice_probabilities, answers.detected)),
        score_case(replace(slices, bleed_masks=None), answers),
        score_case(scan, answers),
    ]
    result = summarise_scores(Scores(tuple(cases), {}), PROTOCOLS["ichnos"])
    assert result.find("dice", "all").summary.scored == 1
    assert result.volumes["scans"] == 1
    by_slice, by_scan = (one.matrix for one in result.detections)
    assert by_slice == ConfusionMatrix(2, 2, 2, 2)
    assert by_scan == ConfusionMatrix(2, 0, 1, 0)
    notes = " ".join(result.notes)
    assert "2 cases have no drawn or no predicted mask and enter detection only: slices, scan" in notes
    assert "4 slices that nobody labelled do not enter detection by slice" in notes
    only = summarise_scores(Scores(tuple(cases[1:]), {}), PROTOCOLS["ichnos"])
    assert (only.figures, only.volumes) == ((), {})
    assert only.detections[0].roc_auc == pytest.approx(0.75)


def test_a_bleed_is_large_from_30_ml_on():
    base = scored(["shifted"]).cases[0]
    pairs = ((30.0, 31.0), (30.0, 29.9), (10.0, 20.0))
    cases = [
        base.model_copy(update={"case": str(number), "label_ml": label, "predicted_ml": predicted})
        for number, (label, predicted) in enumerate(pairs)
    ]
    result = summarise_scores(Scores(tuple(cases), {}), PROTOCOLS["ichnos"])
    assert result.volumes["same_side_of_30_ml"] == pytest.approx(2 / 3)

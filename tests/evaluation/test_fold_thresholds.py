import numpy as np
import pytest
import torch
from segmentation.stubs import bleeding_head, make_unet_checkpoint

from ichnos.errors import UsageError
from ichnos.evaluation.fold_thresholds import choose_fold_thresholds, trace_curves
from ichnos.metrics.overlap import count_overlap
from ichnos.segmentation.segmenter import make_segmenter

FOLDS = {"a": "1", "b": "1", "c": "2", "d": "3", "healthy": "2"}


def curve(peak, height=0.8):
    return height - np.abs(np.arange(101) / 100 - peak)


@pytest.fixture
def curves():
    peaks = {"a": [0.1, 0.12], "b": [0.2], "c": [0.6], "d": [0.9, 0.8, 0.85]}
    return {case: np.stack([curve(peak) for peak in listed]) for case, listed in peaks.items()}


def test_the_threshold_is_the_best_on_the_other_folds(curves):
    chosen = choose_fold_thresholds(curves, FOLDS)
    for fold, found in chosen.items():
        others = np.concatenate([curves[case] for case in curves if FOLDS[case] != fold])
        means = [others[:, step].mean() for step in range(1, 101)]
        assert found.threshold == (1 + int(np.argmax(means))) / 100
        assert found.dice == pytest.approx(max(means))
        assert found.slices == len(others)


@pytest.mark.parametrize("fold", ["1", "2", "3"])
def test_nothing_of_a_fold_leaks_into_its_threshold(curves, fold):
    """However the curves of a fold are changed, its own threshold stays; that of the others does not."""
    before = choose_fold_thresholds(curves, FOLDS)
    poisoned = {
        case: np.tile(curve(0.33, 50.0), (40, 1)) if FOLDS[case] == fold else one for case, one in curves.items()
    }
    after = choose_fold_thresholds(poisoned, FOLDS)
    assert after[fold] == before[fold]
    assert not {case for case in FOLDS if FOLDS[case] == fold} & set(after[fold].cases)
    assert all(after[other].threshold == 0.33 for other in after if other != fold)


def test_ties_go_to_the_smallest_but_never_to_zero():
    flat = {"a": np.full((2, 101), 0.5), "c": np.full((1, 101), 0.5)}
    assert {one.threshold for one in choose_fold_thresholds(flat, {"a": "1", "c": "2"}).values()} == {0.01}


def test_what_is_missing_is_said(curves):
    with pytest.raises(UsageError, match=r"1 case\(s\) have no fold: d"):
        choose_fold_thresholds(curves, {case: fold for case, fold in FOLDS.items() if case != "d"})
    with pytest.raises(UsageError, match="outside fold 1 no slice bleeds"):
        choose_fold_thresholds({"a": curves["a"]}, {"a": "1"})


def test_curves_are_those_of_making_every_mask():
    scan, segmenter = bleeding_head(), make_segmenter(make_unet_checkpoint(), "unet", torch.device("cpu"))
    label = np.zeros(scan.voxels_hu.shape, bool)
    label[14:17, 58:70, 50:62] = True
    found = trace_curves(segmenter, [("a", scan, label), ("healthy", scan, np.zeros_like(label))])
    assert found.keys() == {"a"}
    evidence = segmenter.gather(scan)
    for row, z in enumerate((14, 15, 16)):
        for step in (0, 45, 50, 55, 100):
            mask = evidence.allowed[z] & (evidence.map[z] >= np.float32(step / 100))
            assert found["a"][row, step] == pytest.approx(count_overlap(mask, label[z]).dice)

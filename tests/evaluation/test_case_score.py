"""Raw scores against scipy's distances, volumes by hand and counting one voxel after another."""

from dataclasses import replace

import numpy as np
import pytest
from evaluation.made_cohort import SPACING_MM, labelled, make_cases
from scipy import ndimage
from scipy.spatial.distance import cdist

from ichnos.evaluation.case_score import CaseScore, resize_mask, score_case
from ichnos.evaluation.predictions import Prediction

CASES = make_cases()


def score(name, **predicted):
    return score_case(labelled(name, CASES[name]), Prediction(CASES[name].predicted, **predicted))


def surface_points(mask, geometry):
    inner = ndimage.binary_erosion(mask, ndimage.generate_binary_structure(3, 1))
    return geometry.points_mm(*np.nonzero(mask & ~inner))


@pytest.mark.parametrize("name", CASES)
def test_counts_are_those_of_going_through_all_voxels(name):
    made, found = CASES[name], score(name)
    for one in found.slices:
        pairs = list(zip(made.predicted[one.z].ravel(), made.label[one.z].ravel(), strict=True))
        counts = one.counts["native"]
        assert (counts.tp, counts.fp, counts.fn) == tuple(
            pairs.count(kind) for kind in ((True, True), (True, False), (False, True))
        )
        assert one.label == made.label[one.z].any()
    total = found.overlap("native")
    assert total.true_positive == (made.predicted & made.label).sum()


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].label.any() and CASES[name].predicted.any()])
def test_distances_are_scipys(name):
    made, found = CASES[name], score(name)
    predicted, label = (surface_points(mask, made.scan.geometry) for mask in (made.predicted, made.label))
    apart = cdist(predicted, label)
    sides = apart.min(axis=1), apart.min(axis=0)
    assert found.hd95_mm == pytest.approx(max(np.percentile(side, 95) for side in sides), abs=1e-6)
    assert found.assd_mm == pytest.approx(np.concatenate(sides).mean(), abs=1e-6)
    assert found.surface_voxels == len(predicted) + len(label)
    assert found.surface_close == sum(int((side <= 2.0).sum()) for side in sides)


def test_volumes_are_true_where_slices_are_uneven():
    """The third slice of `uneven` stands for 7.5 mm, the fourth for 10 mm; pixels are 1 mm by 2 mm."""
    found = score("uneven")
    assert found.label_ml == pytest.approx(25 * 2 * 17.5 / 1000)
    assert found.predicted_ml == pytest.approx(20 * 2 * 17.5 / 1000)


@pytest.mark.parametrize("name", ["empty", "missed", "invented"])
def test_there_is_no_distance_to_a_surface_that_is_not_there(name):
    found = score(name)
    assert found.hd95_mm is None
    assert found.assd_mm is None
    sides = np.array([3, 11, 11]) * SPACING_MM
    assert found.diagonal_mm == pytest.approx(np.linalg.norm(sides))


def test_lesions_are_counted():
    counts = {name: score(name).lesions for name in ("missed", "invented", "shifted", "everything")}
    found = {name: (one.tp, one.fp, one.fn) for name, one in counts.items()}
    assert found == {"missed": (0, 0, 1), "invented": (0, 1, 0), "shifted": (1, 0, 0), "everything": (1, 0, 0)}


def test_what_was_told_is_kept_and_survives_json():
    probabilities, detected = np.array([0.1, 0.8, 0.7, 0.2]), np.array([False, True, True, False])
    found = score("shifted", slice_probabilities=probabilities, detected=detected)
    assert [one.probability for one in found.slices] == probabilities.tolist()
    assert [one.detected for one in found.slices] == detected.tolist()
    assert found.subtypes == ("subdural",)
    assert CaseScore.model_validate_json(found.model_dump_json()) == found


def test_unlabelled_slices_go_by_their_masks():
    case = labelled("shifted", CASES["shifted"])
    case.slice_labels[:] = -1
    found = score_case(case, Prediction(CASES["shifted"].predicted))
    assert [one.label for one in found.slices] == [False, True, True, False]


def test_a_stretched_mask_takes_the_nearest_pixel():
    rng = np.random.default_rng(0)
    mask = rng.random((2, 7, 10)) < 0.5
    for size in (3, 7, 16):
        expected = [
            [[mask[z, int((r + 0.5) * 7 / size), int((c + 0.5) * 10 / size)] for c in range(size)] for r in range(size)]
            for z in range(2)
        ]
        assert (resize_mask(mask, size) == np.array(expected)).all()
    assert resize_mask(mask, None) is mask


def test_without_a_drawn_mask_only_answers_are_scored():
    case = replace(labelled("shifted", CASES["shifted"]), bleed_masks=None)
    case.slice_labels[3] = -1
    found = score_case(case, Prediction(CASES["shifted"].predicted, np.array([0.1, 0.8, 0.7, 0.2])))
    assert not found.has_masks
    assert [one.label for one in found.slices] == [False, True, True, None]
    assert [one.counts["native"].fp for one in found.slices] == [0, 25, 25, 0]
    assert found.bleeds
    case.slice_labels[:] = -1
    assert score_case(case, Prediction(None)).bleeds is None
    told = replace(case, case=replace(case.case, scan_labels={"any": True}))
    assert score_case(told, Prediction(None)).bleeds
    case.slice_labels[:] = 0
    assert score_case(case, Prediction(None)).bleeds is False

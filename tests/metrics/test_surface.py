import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ichnos.errors import UsageError
from ichnos.metrics.surface import VoxelPlaces, find_surface, measure_surfaces
from ichnos.scans.geometry import Geometry

SPACING_MM = (5.0, 0.7, 0.4)


def slow_surface(mask):
    """Voxel by voxel, neighbour by neighbour."""
    surface = np.zeros_like(mask)
    steps = [step for step in product((-1, 0, 1), repeat=3) if sum(map(abs, step)) == 1]
    if len(mask) == 1:
        steps = [step for step in steps if step[0] == 0]
    for place in product(*map(range, mask.shape)):
        if not mask[place]:
            continue
        for step in steps:
            there = tuple(a + b for a, b in zip(place, step, strict=True))
            within = all(0 <= a < n for a, n in zip(there, mask.shape, strict=True))
            if not within or not mask[there]:
                surface[place] = True
    return surface


def slow_distances(from_mask, to_mask, point_mm):
    """Every surface voxel against every other."""
    targets = [point_mm(*place) for place in zip(*np.nonzero(slow_surface(to_mask)), strict=True)]
    starts = [point_mm(*place) for place in zip(*np.nonzero(slow_surface(from_mask)), strict=True)]
    return np.array([min((math.dist(start, end) for end in targets), default=math.inf) for start in starts])


def random_masks(seed, shape=(4, 5, 6)):
    rng = np.random.default_rng(seed)
    return rng.random(shape) < 0.5, rng.random(shape) < 0.3


def box(shape, *ranges):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*ends) for ends in ranges)] = True
    return mask


@pytest.mark.parametrize("shape", [(4, 5, 6), (1, 5, 6), (2, 2, 2), (3, 1, 4)])
@pytest.mark.parametrize("density", [0.2, 0.8, 1.0])
def test_the_surface_is_the_slow_one(shape, density):
    mask = np.random.default_rng(len(shape)).random(shape) < density
    assert (find_surface(mask) == slow_surface(mask)).all()


def test_the_surface_of_special_masks():
    one = box((3, 3, 3), (1, 2), (1, 2), (1, 2))
    assert (find_surface(one) == one).all()
    full = np.ones((3, 3, 3), bool)
    assert (find_surface(full) == (full ^ one)).all()  # the edge of the stack is a surface
    assert not find_surface(np.zeros((3, 3, 3), bool)).any()
    flat = np.ones((1, 3, 3), bool)
    assert find_surface(flat)[0].tolist() == [[True] * 3, [True, False, True], [True] * 3]


@pytest.mark.parametrize("seed", range(4))
def test_even_spacing_against_the_slow_version(seed):
    predicted, label = random_masks(seed)

    def point_mm(z, row, column):
        return z * 5.0, row * 0.7, column * 0.4

    found = measure_surfaces(predicted, label, VoxelPlaces.from_spacing(4, SPACING_MM))
    np.testing.assert_allclose(found.from_predicted_mm, slow_distances(predicted, label, point_mm))
    np.testing.assert_allclose(found.from_label_mm, slow_distances(label, predicted, point_mm))


@pytest.mark.parametrize("seed", range(3))
def test_uneven_slices_against_the_slow_version(seed):
    predicted, label = random_masks(seed)
    predicted[2:], label[:2] = False, False  # the nearest lies in another slice
    positions_mm = np.array([0.0, 2.5, 12.5, 13.0])

    def point_mm(z, row, column):
        return positions_mm[z], row * 0.7, column * 0.4

    found = measure_surfaces(predicted, label, VoxelPlaces.from_positions(positions_mm, (0.7, 0.4)))
    np.testing.assert_allclose(found.from_predicted_mm, slow_distances(predicted, label, point_mm))
    np.testing.assert_allclose(found.from_label_mm, slow_distances(label, predicted, point_mm))


def test_a_tilted_scan_is_measured_where_its_voxels_lie():
    """A gantry tilt shifts each slice along its rows; the oracle takes positions from the affine."""
    affine = np.array([[0, 0, -0.4, 10], [1.7, -0.7, 0, -3], [5.0, 0, 0, 2], [0, 0, 0, 1]], dtype=float)
    predicted, label = random_masks(7)
    predicted[2:], label[:2] = False, False  # the nearest lies in another slice
    geometry = Geometry.from_affine(affine, predicted.shape)
    places = VoxelPlaces(geometry.origins_mm, geometry.row_steps_mm, geometry.column_steps_mm)

    def point_mm(*place):
        return affine[:3] @ (*place, 1)

    found = measure_surfaces(predicted, label, places)
    np.testing.assert_allclose(found.from_predicted_mm, slow_distances(predicted, label, point_mm))
    upright = measure_surfaces(predicted, label, VoxelPlaces.from_spacing(4, SPACING_MM))
    assert not np.allclose(found.from_predicted_mm, upright.from_predicted_mm)


@pytest.mark.parametrize(("axis", "step"), [(0, 2), (1, 3), (2, 1)])
def test_two_boxes_shifted_by_some_voxels(axis, step):
    """The far face is `step` voxels away; nothing is further."""
    shape = (14, 16, 18)
    label = box(shape, (3, 8), (3, 9), (3, 10))
    found = measure_surfaces(np.roll(label, step, axis), label, VoxelPlaces.from_spacing(14, SPACING_MM))
    expected_mm = step * SPACING_MM[axis]
    assert found.hausdorff_mm("excluded") == pytest.approx(expected_mm)
    assert found.hausdorff_mm("excluded", percentile=95) <= expected_mm + 1e-9
    assert 0 < found.mean_mm("excluded") < expected_mm
    assert found.surface_dice(expected_mm + 1e-9, "excluded") == 1
    assert found.surface_dice(0.0, "excluded") < 1


def test_one_voxel_against_another_is_the_distance_of_their_centres():
    places = VoxelPlaces.from_spacing(4, SPACING_MM)
    predicted, label = box((4, 5, 6), (3, 4), (0, 1), (5, 6)), box((4, 5, 6), (1, 2), (4, 5), (2, 3))
    found = measure_surfaces(predicted, label, places)
    expected_mm = math.hypot(2 * 5.0, 4 * 0.7, 3 * 0.4)
    assert found.hausdorff_mm("excluded") == pytest.approx(expected_mm)
    assert found.mean_mm("excluded") == pytest.approx(expected_mm)
    assert found.surface_dice(expected_mm - 0.01, "excluded") == 0
    assert found.surface_dice(expected_mm + 0.01, "excluded") == 1


def test_concentric_spheres_lie_the_difference_of_their_radii_apart():
    """To within the half diagonal of a voxel at each surface."""
    spacing_mm = (1.0, 1.0, 1.0)
    squared = sum(axis**2 for axis in np.meshgrid(*[np.arange(-14, 15)] * 3, indexing="ij"))
    found = measure_surfaces(squared <= 12**2, squared <= 7**2, VoxelPlaces.from_spacing(29, spacing_mm))
    assert found.hausdorff_mm("excluded") == pytest.approx(5, abs=1.0)
    assert found.mean_mm("excluded") == pytest.approx(5, abs=0.3)


def test_the_larger_direction_and_its_own_percentile_count():
    """One far voxel of 21 in the prediction: seen from the label nothing is far."""
    label = box((1, 1, 60), (0, 1), (0, 1), (0, 20))
    predicted = label.copy()
    predicted[0, 0, 59] = True
    found = measure_surfaces(predicted, label, VoxelPlaces.from_spacing(1, (5.0, 1.0, 1.0)))
    assert found.from_label_mm.max() == 0
    assert found.hausdorff_mm("excluded") == 40
    # 21 distances, 20 of them 0: the 95th percentile is the 20th of 0 to 20, the last zero
    assert found.hausdorff_mm("excluded", percentile=95) == pytest.approx(0)
    assert found.hausdorff_mm("excluded", percentile=97.5) == pytest.approx(20)
    assert found.mean_mm("excluded") == pytest.approx(40 / 41)
    assert found.surface_dice(1.0, "excluded") == pytest.approx(40 / 41)


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # MONAI warns of itself
@pytest.mark.parametrize("seed", range(3))
def test_monai_agrees(seed):
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice

    predicted, label = random_masks(seed, (6, 12, 12))
    found = measure_surfaces(predicted, label, VoxelPlaces.from_spacing(6, SPACING_MM))
    theirs = [torch.from_numpy(mask)[None, None].float() for mask in (predicted, label)]
    options = {"include_background": True, "spacing": SPACING_MM}
    for percentile in (100, 95):
        expected = compute_hausdorff_distance(*theirs, percentile=percentile, **options).item()
        assert found.hausdorff_mm("excluded", percentile=percentile) == pytest.approx(expected, rel=1e-6)
    expected = compute_average_surface_distance(*theirs, symmetric=True, **options).item()
    assert found.mean_mm("excluded") == pytest.approx(expected, rel=1e-6)
    for tolerance in (0.0, 0.5, 1.0):
        expected = compute_surface_dice(*theirs, class_thresholds=[tolerance], **options).item()
        assert found.surface_dice(tolerance, "excluded") == pytest.approx(expected, rel=1e-6)


@given(st.integers(0, 1000))
def test_exchanging_the_masks_changes_nothing(seed):
    predicted, label = random_masks(seed, (2, 3, 4))
    places = VoxelPlaces.from_spacing(2, SPACING_MM)
    one, other = measure_surfaces(predicted, label, places), measure_surfaces(label, predicted, places)
    assert one.hausdorff_mm("counted-one") == other.hausdorff_mm("counted-one")
    assert one.mean_mm("counted-one") == pytest.approx(other.mean_mm("counted-one"))
    assert one.surface_dice(1.0, "counted-one") == other.surface_dice(1.0, "counted-one")
    assert one.hausdorff_mm("counted-one") >= one.hausdorff_mm("counted-one", percentile=95)


NOTHING, SOMETHING = np.zeros((2, 3, 3), bool), box((2, 3, 3), (0, 1), (1, 3), (0, 2))


@pytest.mark.parametrize("policy", ["excluded", "counted-one", "epsilon-one"])
@pytest.mark.parametrize(("predicted", "label", "missed"), [(NOTHING, SOMETHING, True), (SOMETHING, NOTHING, False)])
def test_one_empty_mask_is_infinitely_far_or_as_far_as_is_named(predicted, label, missed, policy):
    found = measure_surfaces(predicted, label, VoxelPlaces.from_spacing(2, SPACING_MM))
    assert (found.is_missed, found.is_invented, found.is_empty) == (missed, not missed, False)
    assert found.hausdorff_mm(policy) == math.inf
    assert found.hausdorff_mm(policy, percentile=95) == math.inf
    assert found.mean_mm(policy) == math.inf
    assert found.hausdorff_mm(policy, penalty_mm=250.0) == 250
    assert found.mean_mm(policy, penalty_mm=250.0) == 250
    assert found.surface_dice(2.0, policy) == 0
    assert found.surface_dice(math.inf, policy) == 0


def test_two_empty_masks_are_left_out_or_perfect():
    found = measure_surfaces(NOTHING, NOTHING, VoxelPlaces.from_spacing(2, SPACING_MM))
    assert found.is_empty
    assert not found.is_missed
    assert math.isnan(found.hausdorff_mm("excluded", penalty_mm=9.0))
    assert math.isnan(found.mean_mm("excluded"))
    assert math.isnan(found.surface_dice(1.0, "excluded"))
    for policy in ("counted-one", "epsilon-one"):
        assert (found.hausdorff_mm(policy), found.mean_mm(policy), found.surface_dice(1.0, policy)) == (0, 0, 1)


@pytest.mark.parametrize("mask", [NOTHING, SOMETHING])
def test_a_wrong_policy_is_refused_whatever_the_masks(mask):
    found = measure_surfaces(mask, mask, VoxelPlaces.from_spacing(2, SPACING_MM))
    for ask in (found.hausdorff_mm, found.mean_mm, lambda policy: found.surface_dice(1.0, policy)):
        with pytest.raises(UsageError, match="no empty-mask policy is called 'dropped'"):
            ask("dropped")


def test_a_distance_of_just_the_tolerance_is_close_however_it_was_rounded():
    """Five columns of 0.4 mm, as a NIfTI keeps 0.4, are a little more than 2 mm."""
    label, predicted = np.zeros((1, 1, 9), bool), np.zeros((1, 1, 9), bool)
    label[0, 0, 1] = predicted[0, 0, 6] = True
    step_mm = float(np.float32(0.4))
    found = measure_surfaces(predicted, label, VoxelPlaces.from_spacing(1, (5.0, step_mm, step_mm)))
    assert found.from_label_mm[0] > 2.0
    assert found.surface_dice(2.0, "excluded") == 1.0
    assert found.surface_dice(1.99, "excluded") == 0.0

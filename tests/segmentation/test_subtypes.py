import numpy as np
import pytest
from tiny import box_scan

from ichnos.preprocessing.grid import ModelGrid
from ichnos.segmentation.subtypes import SUBTYPES, SubtypeEvidence, assign_subtypes, measure_subtypes

EPIDURAL, INTRAPARENCHYMAL, INTRAVENTRICULAR = 1, 2, 3


def certain(numbers):
    """Probability 0.9 of the subtype of each voxel, 0.1 of the next."""
    told = np.zeros((len(SUBTYPES), len(numbers)), np.float32)
    told[np.asarray(numbers) - 1, np.arange(len(numbers))] = 0.9
    told[np.asarray(numbers) % 5, np.arange(len(numbers))] = 0.1
    return told


def cubes():
    """4 x 16 x 16 voxels of 5 x 1 x 1 mm: a piece of 2.4 mL (all slices, 120 voxels each), one of 4 voxels."""
    bleed = np.zeros((4, 16, 16), bool)
    bleed[:, :12, :10] = True
    bleed[1, 14, 10:14] = True
    return bleed


def test_each_voxel_of_a_large_piece_has_its_own_subtype():
    bleed = cubes()
    truth = np.where(np.arange(16)[None, :, None] < 6, INTRAPARENCHYMAL, INTRAVENTRICULAR) * np.ones((4, 1, 16), int)
    divided = assign_subtypes(bleed, certain(truth[bleed]), box_scan().geometry)
    np.testing.assert_array_equal(divided, np.where(bleed, truth, 0))
    assert divided.dtype == np.uint8


def test_hardly_any_of_a_large_piece_is_left_to_its_neighbours():
    """40 voxels of 480 are 8 %: they take the more probable of what the piece keeps, here the next of `certain`."""
    bleed = cubes()
    truth = np.where(np.arange(16)[None, :, None] < 6, INTRAPARENCHYMAL, INTRAVENTRICULAR) * np.ones((4, 1, 16), int)
    truth[:, 0, :10] = EPIDURAL
    divided = assign_subtypes(bleed, certain(truth[bleed]), box_scan().geometry)
    assert (divided[:, 0, :10] == INTRAPARENCHYMAL).all()
    truth[:, 1, :10] = EPIDURAL  # now 17 %
    divided = assign_subtypes(bleed, certain(truth[bleed]), box_scan().geometry)
    assert (divided[:, :2, :10] == EPIDURAL).all()


def test_a_small_piece_has_one_subtype():
    bleed = cubes()
    bleed[:, :12, :10] = False
    told = certain([INTRAPARENCHYMAL, EPIDURAL, EPIDURAL, EPIDURAL])
    assert (assign_subtypes(bleed, told, box_scan().geometry)[bleed] == EPIDURAL).all()


def test_volumes_add_up_and_an_empty_bleed_has_none():
    geometry, bleed = box_scan().geometry, cubes()
    rng = np.random.default_rng(0)
    divided = assign_subtypes(bleed, rng.random((5, int(bleed.sum()))).astype(np.float32), geometry)
    volumes = measure_subtypes(divided, geometry)
    assert list(volumes) == list(SUBTYPES)
    assert sum(volumes.values()) == pytest.approx(geometry.volume_ml(bleed))
    nothing = assign_subtypes(np.zeros_like(bleed), np.zeros((5, 0), np.float32), geometry)
    assert not nothing.any()


def test_probabilities_are_those_of_the_scans_own_pixels():
    scan = box_scan()
    grid = ModelGrid.place(scan, 8, None)
    told = np.random.default_rng(0).random((4, 5, 8, 8)).astype(np.float32)
    bleed = cubes()
    expected = np.stack([grid.to_scan(told[:, number])[bleed] for number in range(5)])
    np.testing.assert_allclose(SubtypeEvidence(told, grid).at(bleed), expected, rtol=1e-6)
    assert SubtypeEvidence(told, grid).at(np.zeros_like(bleed)).shape == (5, 0)

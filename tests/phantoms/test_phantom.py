import numpy as np
import pytest
from phantoms.painted_scene import painted
from scipy import ndimage

from ichnos.phantoms import SUBTYPES, Phantom, PhantomSettings, make_phantom

SMALL = PhantomSettings(slices=14, rows=72, columns=72, gap_mm=(3.0, 11.0))


def small(seed, **choices):
    return make_phantom(
        seed, PhantomSettings(**({"slices": 14, "rows": 72, "columns": 72, "gap_mm": (3.0, 11.0)} | choices))
    )


def test_same_seed_same_bits():
    one, other = make_phantom(7, SMALL), make_phantom(7, SMALL)
    assert np.array_equal(one.scan.voxels_hu, other.scan.voxels_hu)
    assert np.array_equal(one.scan.geometry.origins_mm, other.scan.geometry.origins_mm)
    assert np.array_equal(one.brain_mask, other.brain_mask)
    assert one.bleed_masks.keys() == other.bleed_masks.keys()
    assert all(np.array_equal(one.bleed_masks[name], other.bleed_masks[name]) for name in one.bleed_masks)


def test_seeds_differ():
    assert not np.array_equal(make_phantom(1, SMALL).scan.voxels_hu, make_phantom(2, SMALL).scan.voxels_hu)


@pytest.mark.parametrize("seed", [0, 3])
def test_without_bleeds_the_head_is_the_same(seed):
    sick, well = small(seed, bleed_probability=1.0), small(seed, bleed_probability=0.0)
    assert well.bleed_masks == {}
    assert sick.bleed_mask.any()
    assert np.array_equal(sick.brain_mask, well.brain_mask)
    changed = sick.scan.voxels_hu != well.scan.voxels_hu
    assert changed[sick.bleed_mask].mean() > 0.9


@pytest.mark.parametrize(("seed", "subtype"), [(0, "subdural"), (1, "subarachnoid"), (2, "intraventricular")])
def test_a_pair_differs_only_where_there_is_blood(monkeypatch, seed, subtype):
    _, _, sick, with_blood = painted(monkeypatch, seed, bleed_probability=1.0, subtypes=(subtype,))
    _, _, well, without = painted(monkeypatch, seed, bleed_probability=0.0, subtypes=(subtype,))
    blood = sick.bleeds[subtype] > 0
    assert np.array_equal((sick.voxels_hu != well.voxels_hu) & ~blood, np.zeros_like(blood))
    reach = ndimage.binary_dilation(blood, np.ones((1, 5, 5), bool))  # the blur is at most 3 x 1.5 mm
    assert not ((with_blood.scan.voxels_hu != without.scan.voxels_hu) & ~reach).any()


def test_labels_agree_with_masks():
    phantom = small(5, bleed_probability=1.0)
    assert isinstance(phantom, Phantom)
    assert phantom.slice_labels.tolist() == [bool(plane.any()) for plane in phantom.bleed_mask]
    assert tuple(phantom.subtype_labels) == SUBTYPES
    for name, labels in phantom.subtype_labels.items():
        mask = phantom.bleed_masks.get(name)
        assert labels.tolist() == ([False] * 14 if mask is None else mask.any(axis=(1, 2)).tolist())
    assert np.array_equal(np.any(list(phantom.subtype_labels.values()), axis=0), phantom.slice_labels)


def test_scan_is_a_head_in_hounsfield_units():
    phantom = make_phantom(2, SMALL)
    voxels = phantom.scan.voxels_hu
    assert voxels.dtype == np.float32
    assert np.array_equal(voxels, np.round(voxels))
    assert voxels.min() >= -1024.0
    assert voxels.max() <= 3071.0
    assert 15.0 < np.median(voxels[phantom.brain_mask]) < 55.0
    assert 900.0 < phantom.scan.geometry.volume_ml(phantom.brain_mask) < 2000.0


def test_bleed_probability_is_kept():
    bleeding = [bool(small(seed, slices=6, rows=32, columns=32).bleed_masks) for seed in range(24)]
    assert 5 <= sum(bleeding) <= 19


def test_tilt_reaches_the_scan():
    assert small(4, tilt_degrees=(15.0, 15.0)).scan.geometry.tilt_degrees == pytest.approx(15.0, abs=1e-4)


def test_one_slice_is_enough():
    phantom = small(4, slices=1, bleed_probability=1.0)
    assert phantom.scan.geometry.shape == (1, 72, 72)


def test_without_features_phantoms_are_those_of_the_first_version():
    phantom = small(7, slices=4, rows=48, columns=48, gap_mm=(3.0, 20.0), bleed_probability=1.0)
    expected = [  # of the first release, by quarter of the image; rounding may turn single voxels by 1 HU
        [[-518.314, -478.311], [-431.705, -414.877]],
        [[-556.082, -579.184], [-360.597, -427.648]],
        [[-682.448, -544.562], [-487.113, -329.111]],
        [[-693.835, -683.868], [-456.573, -460.458]],
    ]
    quarters = phantom.scan.voxels_hu.reshape(4, 2, 24, 2, 24).mean(axis=(2, 4))
    np.testing.assert_allclose(quarters, expected, atol=0.01)
    assert {name: int(mask.sum()) for name, mask in phantom.bleed_masks.items()} == {"subarachnoid": 7}
    assert int(phantom.brain_mask.sum()) == 2568

from functools import cache

import numpy as np
import pytest

from ichnos.phantoms import PhantomSettings, make_phantom

NAMES = ("kernel", "shifted-hu", "padding", "exported", "bright-bone-streaks", "motion", "table", "defaced")


@cache
def made(*names, seed=5):
    odds = dict.fromkeys(names, 1.0)
    return make_phantom(seed, PhantomSettings(slices=4, rows=48, columns=48, gap_mm=(20.0, 20.0), features=odds))


@pytest.mark.parametrize("name", NAMES)
def test_each_feature_of_the_scanner_changes_the_image_and_no_mask(name):
    plain, odd = made(), made(name)
    assert odd.features == {name}
    assert not np.array_equal(plain.scan.voxels_hu, odd.scan.voxels_hu)
    assert np.array_equal(plain.brain_mask, odd.brain_mask)
    assert np.array_equal(plain.bleed_mask, odd.bleed_mask)


def test_all_at_once_give_a_finite_export_of_whole_numbers_again_and_again():
    voxels_hu = made(*NAMES, "wide-geometry").scan.voxels_hu
    assert np.array_equal(voxels_hu, made("wide-geometry", *NAMES).scan.voxels_hu)
    assert np.isfinite(voxels_hu).all()
    assert np.array_equal(voxels_hu, np.round(voxels_hu))
    assert -20.0 <= voxels_hu.min() <= voxels_hu.max() <= 255.0

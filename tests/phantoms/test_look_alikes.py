import numpy as np
import pytest

from ichnos.phantoms import PhantomSettings, make_phantom
from ichnos.phantoms.look_alikes import DRAWERS

TINY = {"slices": 5, "rows": 64, "columns": 64, "gap_mm": (20.0, 20.0), "thickness_planes": 1}


@pytest.mark.parametrize("name", DRAWERS)
def test_a_look_alike_changes_the_image_but_no_truth(name):
    changed = 0
    for seed in (2, 3):
        plain = make_phantom(seed, PhantomSettings(bleed_probability=1.0, **TINY))
        odd = make_phantom(seed, PhantomSettings(bleed_probability=1.0, features={name: 1.0}, **TINY))
        changed += int((plain.scan.voxels_hu != odd.scan.voxels_hu).sum())
        assert np.isfinite(odd.scan.voxels_hu).all()
        assert np.array_equal(plain.brain_mask, odd.brain_mask)
        assert np.array_equal(plain.bleed_mask, odd.bleed_mask)
    assert changed > 20

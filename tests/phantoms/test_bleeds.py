import numpy as np
import pytest
from phantoms.painted_scene import painted, plane_values

from ichnos.phantoms.bleeds import DRAWERS, PLACES, PRIORITY, SUBDURALS
from ichnos.phantoms.settings import SUBTYPES

HU_RANGE = (40.0, 90.0)
"""What a fresh bleed may measure on average before blur (typical)."""


def test_tables_hold_all_subtypes():
    assert tuple(DRAWERS) == SUBTYPES
    assert sorted(PRIORITY) == list(SUBTYPES)
    assert set(SUBDURALS) == {"convexity", "falx", "tentorium"}
    assert len(PLACES) == 5


@pytest.mark.parametrize("subtype", SUBTYPES)
@pytest.mark.parametrize("seed", [1, 2])
def test_bleed_lies_in_its_place_with_its_density(monkeypatch, subtype, seed):
    grid, content, layers, phantom = painted(
        monkeypatch, seed, bleed_probability=1.0, subtypes=(subtype,), distractors=False, thickness_planes=1
    )
    mask = phantom.bleed_masks[subtype]
    assert list(phantom.bleed_masks) == [subtype]
    assert 0.05 < phantom.scan.geometry.volume_ml(mask) < 150.0
    assert (mask & ~phantom.brain_mask).sum() <= 0.02 * mask.sum()
    core = layers.bleeds[subtype] > 0.99
    if core.any():
        assert HU_RANGE[0] < layers.voxels_hu[core].mean() < HU_RANGE[1]
    CHECKS[subtype](mask, lambda name: plane_values(grid, content, name))


def check_epidural(mask, field):
    touching = field("vault") > -3.0
    assert (mask & touching).any()
    assert (field("vault")[mask] > -36.0).all()


def check_subdural(mask, field):
    near = np.minimum(np.abs(field("vault")), np.minimum(np.abs(field("midline")), np.abs(field("tentorium"))))
    assert (near[mask] < 22.0).all()


def check_intraventricular(mask, field):
    assert (field("ventricles")[mask] < 0.6 * 3.5).all()


def check_subarachnoid(mask, field):
    depth = -field("cavity")
    assert (depth[mask] > -2.0).all()
    csf = np.minimum(np.abs(field("sulcus")) - field("sulcus_mm"), np.abs(field("midline")) - field("fissure"))
    csf = np.minimum(np.minimum(csf, field("cisterns")), depth - field("gap"))
    assert (csf[mask] < 2.5).mean() > 0.95


def check_intraparenchymal(mask, field):
    assert (field("cavity")[mask] < 0).all()
    assert (field("ventricles")[mask] > -2.0).all()


CHECKS = {
    "epidural": check_epidural,
    "intraparenchymal": check_intraparenchymal,
    "intraventricular": check_intraventricular,
    "subarachnoid": check_subarachnoid,
    "subdural": check_subdural,
}

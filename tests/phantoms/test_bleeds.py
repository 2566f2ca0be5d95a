import numpy as np
import pytest
from phantoms.painted_scene import painted, plane_values

from ichnos.phantoms import PhantomSettings, make_phantom
from ichnos.phantoms.bleeds import DRAWERS, PLACES, PRIORITY, SUBDURALS, WIDER
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


PATHOLOGY = (
    "any-size",
    "any-age",
    "fluid-levels",
    "oedema",
    "mass-effect",
    "cast-ventricles",
    "wide-sah",
    "thin-sdh",
    "wide-edh",
    "together",
)
TINY = {"slices": 5, "rows": 48, "columns": 48, "gap_mm": (3.0, 20.0)}


def test_features_of_bleeds_leave_a_healthy_head_as_it_was():
    plain = make_phantom(3, PhantomSettings(**TINY, bleed_probability=0.0))
    wide = make_phantom(3, PhantomSettings(**TINY, bleed_probability=0.0, features=dict.fromkeys(PATHOLOGY, 1.0)))
    assert np.array_equal(plain.scan.voxels_hu, wide.scan.voxels_hu)
    assert wide.bleed_masks == {}


def test_all_features_of_bleeds_together_are_seeded_and_stay_inside():
    settings = PhantomSettings(**TINY, bleed_probability=1.0, features=dict.fromkeys(PATHOLOGY, 1.0))
    phantoms = [make_phantom(seed, settings) for seed in range(6)]
    again = make_phantom(2, settings)
    assert np.array_equal(phantoms[2].scan.voxels_hu, again.scan.voxels_hu)
    assert np.array_equal(phantoms[2].bleed_mask, again.bleed_mask)
    assert sum(bool(phantom.bleed_masks) for phantom in phantoms) >= 4
    for phantom in phantoms:
        assert np.isfinite(phantom.scan.voxels_hu).all()
        assert not (phantom.bleed_mask & ~phantom.brain_mask).any()


@pytest.mark.parametrize("subtype", SUBTYPES)
def test_a_feature_widens_its_subtype_alone(monkeypatch, subtype):
    choices = TINY | {"bleed_probability": 1.0, "subtypes": (subtype,), "thickness_planes": 1}
    others = {feature: 1.0 for name, (feature, _) in WIDER.items() if name != subtype}
    drawn = [painted(monkeypatch, 1, **choices, features=odds)[1].bleeds for odds in ({}, others)]
    assert [(bleed.hu, bleed.labelled_share) for bleed in drawn[0]] == [
        (bleed.hu, bleed.labelled_share) for bleed in drawn[1]
    ]
    wide = painted(monkeypatch, 1, **choices, features={WIDER[subtype][0]: 1.0})[1].bleeds
    assert {bleed.subtype for bleed in wide} == {subtype}
    assert wide[0].hu != drawn[0][0].hu

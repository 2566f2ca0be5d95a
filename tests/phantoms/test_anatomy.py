import numpy as np
import pytest
from phantoms.painted_scene import painted

from ichnos.phantoms import PhantomSettings, make_phantom
from ichnos.phantoms.anatomy import complete, widen
from ichnos.phantoms.brain import draw_brain
from ichnos.phantoms.features import Features, draw_features
from ichnos.phantoms.head import draw_head
from ichnos.phantoms.sutures import draw_sutures
from ichnos.phantoms.tissue import draw_radiodensity

ANATOMY = ("head-shape", "brain-shape", "cysts", "dura", "arteries", "veins", "scalp", "rim", "slab", "hardening")
TINY = {"slices": 8, "rows": 48, "columns": 48, "gap_mm": (3.0, 20.0), "bleed_probability": 0.0, "thickness_planes": 1}


def tiny(seed, *names, **odds):
    return make_phantom(seed, PhantomSettings(**TINY, features=dict.fromkeys(names, 1.0) | odds))


def drawn(seed):
    rng = np.random.default_rng(seed)
    return draw_head(rng), draw_brain(rng), draw_radiodensity(rng)


@pytest.mark.parametrize("name", ANATOMY)
def test_each_feature_can_be_switched_alone(name):
    plain, changed = tiny(4), tiny(4, name)
    assert changed.features == {name}
    assert np.isfinite(changed.scan.voxels_hu).all()
    assert not np.array_equal(plain.scan.voxels_hu, changed.scan.voxels_hu)
    assert 700.0 < changed.brain_mask.sum() * np.prod(changed.scan.geometry.spacing_mm) / 1000.0 < 2200.0


@pytest.mark.parametrize("name", ["cysts", "dura", "arteries", "veins", "rim", "hardening"])
def test_what_lies_inside_the_skull_changes_no_surface(monkeypatch, name):
    _, _, with_it, one = painted(monkeypatch, 4, **TINY, features={name: 1.0})
    _, _, without, other = painted(monkeypatch, 4, **TINY)
    assert np.array_equal(one.brain_mask, other.brain_mask)
    assert np.array_equal(with_it.cavity, without.cavity)
    if name != "rim":  # a blunt inner table reaches out of the cavity
        outside = without.cavity == 0.0
        assert np.array_equal(with_it.voxels_hu[outside], without.voxels_hu[outside])


def test_a_feature_draws_the_same_beside_others():
    features, more = (draw_features(9, dict.fromkeys(names, 1.0)) for names in (("veins",), ("veins", "cysts", "rim")))
    one, other = (complete(f, *drawn(9)[:2], draw_sutures(np.random.default_rng(0))) for f in (features, more))
    assert one.structures[-1].hu == other.structures[-1].hu
    assert len(other.structures) > len(one.structures) == 1
    assert one.rim.uneven == 0.0 < other.rim.uneven


def test_without_features_nothing_is_changed():
    none = Features(3, frozenset())
    head, brain, hu = drawn(3)
    assert widen(none, head, brain, hu) == (head, brain, hu)
    body = complete(none, head, brain, draw_sutures(np.random.default_rng(0)))
    assert (body.subject, body.structures, body.meat) == (None, (), None)
    assert not body.rim.averaged

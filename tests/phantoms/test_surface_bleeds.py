import numpy as np
import pytest

from ichnos.phantoms.bleed import Wish
from ichnos.phantoms.fields import Points
from ichnos.phantoms.probe import Probe
from ichnos.phantoms.surface_bleeds import LAYERS, LENSES, SPREADS, epidural, subarachnoid, subdural

SIDE = np.arange(-78.0, 79.0, 3.0, dtype=np.float32)
SPACE = Points(*(np.ascontiguousarray(p) for p in np.meshgrid(SIDE, SIDE, SIDE, indexing="ij")))
RADIUS_MM = 75.0


def round_head(points):
    return np.sqrt(sum(p**2 for p in points)) - np.float32(RADIUS_MM)


@pytest.fixture
def probe():
    return Probe(round_head, -60.0, 80.0)


@pytest.fixture
def fields():
    ball = round_head(SPACE)
    return {
        "vault": ball,
        "cavity": ball,
        "midline": SPACE.x,
        "tentorium": SPACE.z + 10.0,
        "tentorium_mm": np.full_like(ball, 0.6),
        "falx_reach": np.full_like(ball, 10.0),
        "seam": np.full_like(ball, 30.0),
    }


def inside(bleed, fields):
    return np.maximum(bleed.region(SPACE, fields), fields["cavity"]) < 0.0


@pytest.mark.parametrize("kind", ["thin", "thick"])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_crescents_hug_the_vault_on_their_side(probe, fields, kind, side):
    for seed in range(4):
        bleed = subdural(np.random.default_rng(seed), probe, Wish("subdural", kind, side))[0]
        blood = inside(bleed, fields)
        assert blood.any()
        assert (side * SPACE.x[blood] > 0.0).all()
        assert fields["vault"][blood].min() > (-7.0 if kind == "thin" else -31.0)
        assert bleed.may_be_old == (kind == "thick")


def test_layers_lie_on_their_sheets(probe, fields):
    for kind, name, most_mm in (("falx", "midline", 16.0), ("tentorium", "tentorium", 14.0)):
        blood = inside(subdural(np.random.default_rng(2), probe, Wish("subdural", kind, 1.0))[0], fields)
        assert blood.any()
        assert np.abs(fields[name][blood]).max() < most_mm
    behind = inside(subdural(np.random.default_rng(2), probe, Wish("subdural", "behind", 1.0))[0], fields)
    assert behind.any()
    assert (fields["tentorium"][behind] < 0.0).all()


def test_lenses_stop_at_sutures_but_not_at_the_vertex(probe, fields):
    fields["seam"] = SPACE.x - 1.0
    crossing = {}
    for kind in LENSES:
        blood = [inside(epidural(np.random.default_rng(s), probe, Wish("epidural", kind))[0], fields) for s in range(6)]
        crossing[kind] = any((fields["seam"][b] < 0).any() and (fields["seam"][b] > 0).any() for b in blood)
    assert not crossing["temporal"]
    assert crossing["vertex"]


def test_spreads_reach_where_they_are_named_for(probe, fields):
    assert set(SPREADS) == {"star", "sylvian", "around stem", "sulcal", "between"}
    middle = {}
    for kind in SPREADS:
        bleed = subarachnoid(np.random.default_rng(4), probe, Wish("subarachnoid", kind, 1.0))[0]
        blood = inside(bleed, fields)
        middle[kind] = [float(axis[blood].mean()) for axis in SPACE]
        assert bleed.widened_mm > 0.2
    assert middle["sylvian"][0] > 30.0
    assert abs(middle["between"][0]) < 6.0
    assert middle["around stem"][2] < -10.0


def test_names_of_layers():
    assert set(LAYERS) == {"thin", "thick", "falx", "tentorium", "behind"}

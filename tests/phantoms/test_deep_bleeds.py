import numpy as np
import pytest
from phantoms.painted_scene import painted, plane_values

from ichnos.phantoms.bleed import Wish
from ichnos.phantoms.deep_bleeds import FILLING_ODDS, FILLINGS, SITE_ODDS, SITES, nearest, parenchymal, ventricular
from ichnos.phantoms.features import Features
from ichnos.phantoms.fields import Points
from ichnos.phantoms.probe import Probe

SIDE = np.arange(-96.0, 97.0, 3.0, dtype=np.float32)
SPACE = Points(*(np.ascontiguousarray(p) for p in np.meshgrid(SIDE, SIDE, SIDE, indexing="ij")))


@pytest.fixture
def probe():
    return Probe(lambda points: np.sqrt(sum(p**2 for p in points)) - np.float32(75.0), -60.0, 80.0)


def volume_ml(bleed):
    return float((bleed.region(SPACE, {}) < 0).sum()) * 27.0 / 1000.0


def test_sites_and_fillings_have_odds():
    assert sum(SITE_ODDS) == pytest.approx(1.0)
    assert len(SITE_ODDS) == len(SITES)
    assert sum(FILLING_ODDS) == pytest.approx(1.0)
    assert set(FILLINGS) == {"cast", "one side", "middle", "clot", "horns"}


def test_bleeds_run_from_specks_to_most_of_a_lobe(probe):
    sizes = [volume_ml(parenchymal(np.random.default_rng(s), probe, Wish("", "lobar", 1.0))[0]) for s in range(16)]
    assert min(sizes) < 12.0
    assert 60.0 < max(sizes) < 260.0


@pytest.mark.parametrize("place", ["putamen", "contusions", "petechiae"])
def test_a_wish_names_place_and_side(probe, place):
    bleed = parenchymal(np.random.default_rng(5), probe, Wish("intraparenchymal", place, -1.0))[0]
    inside = bleed.region(SPACE, {}) < 1.0
    assert inside.any()
    if place == "putamen":
        assert SPACE.x[inside].mean() < -10.0


def test_distance_to_foci_is_that_of_the_nearest_ball():
    points = Points(*(np.array(v, np.float32).reshape(1, 1, -1) for v in ([0.0, 10.0, 18.0], [0.0] * 3, [0.0] * 3)))
    distance = nearest(points, (((0.0, 0.0, 0.0), (8.0, 8.0, 8.0)), ((20.0, 0.0, 0.0), (2.0, 2.0, 2.0))))
    assert distance.ravel()[1:] == pytest.approx([2.0, 0.0], abs=1e-4)
    assert distance.ravel()[0] < -7.0


def test_blood_sinks_to_the_back_of_both_horns(probe):
    x, y = np.array([-30.0, 30.0, -30.0, 30.0]), np.array([-60.0, -60.0, 0.0, 0.0])
    points = Points(*(v.astype(np.float32).reshape(1, 1, 4) for v in (x, y, np.zeros(4))))
    bleed = ventricular(np.random.default_rng(0), probe, Wish("intraventricular", "horns"))[0]
    region = bleed.region(points, {"ventricles": np.full((1, 1, 4), -1.0, np.float32)})
    assert (region.ravel()[2:] > 20.0).all()
    assert region.ravel()[:2].min() < 0.0


def test_a_cast_fills_the_ventricles_of_a_phantom_and_nothing_else(monkeypatch):
    choices = {"rows": 56, "columns": 56, "subtypes": ("intraventricular",), "bleed_probability": 1.0}
    seeds = [s for s in range(12) if _filling(s) == "cast"]
    grid, content, _, phantom = painted(monkeypatch, seeds[0], features={"cast-ventricles": 1.0}, **choices)
    assert list(phantom.bleed_masks) == ["intraventricular"]
    blood = phantom.bleed_masks["intraventricular"]
    away = plane_values(grid, content, "ventricles")
    assert blood[away < -2.0].mean() > 0.6
    assert (away[blood] < 2.0).mean() > 0.98
    assert phantom.features == {"cast-ventricles"}


def _filling(seed):
    rng = Features(seed, frozenset({"cast-ventricles"})).stream("cast-ventricles")
    return str(rng.choice(list(FILLINGS), p=FILLING_ODDS))

import numpy as np
import pytest

from ichnos.phantoms.brain import brain_fields, draw_brain
from ichnos.phantoms.features import Features
from ichnos.phantoms.fields import Points
from ichnos.phantoms.head import draw_head, surfaces, warp
from ichnos.phantoms.structures import CYSTS, DRAWERS, draw_structures, structure_fields

AXIS = np.arange(-90.0, 90.0, 3.0, dtype=np.float32)
GRID = Points(*np.meshgrid(AXIS, AXIS, AXIS, indexing="ij"))


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(2)
    head, brain = draw_head(rng), draw_brain(rng)
    points = warp(head, GRID)
    found = surfaces(head, points)
    return points, found | brain_fields(brain, points, found["cavity"])


def of(name, seed):
    return draw_structures(Features(seed, frozenset({name})))


def volumes_ml(scene, name, seed):
    points, fields = scene
    found = structure_fields(of(name, seed), points, fields)
    return {key: float(((d < 0) & (fields["cavity"] < 0)).sum()) * 3.0**3 / 1000.0 for key, d in found.items()}


@pytest.mark.parametrize("name", DRAWERS)
def test_fields_are_finite_and_of_single_precision(scene, name):
    for seed in range(2):
        for field in structure_fields(of(name, seed), *scene).values():
            assert field.dtype == np.float32
            assert np.isfinite(field).all()


def test_veins_lie_along_the_table_and_in_the_midline(scene):
    points, fields = scene
    inside = (structure_fields(of("veins", 1), points, fields)["structure-0"] < 0) & (fields["cavity"] < 0)
    assert 2.0 < inside.sum() * 27.0 / 1000.0 < 45.0  # mL; all sinuses together hold some 20 (typical)
    deep = inside & (fields["cavity"] < -16.0)
    assert np.abs(points.x[deep]).max() < 12.0
    torcula = inside & (np.abs(points.x) < 8.0) & (points.y < -70.0) & (np.abs(fields["tentorium"]) < 8.0)
    assert torcula.any()
    assert {48.0 <= s.hu <= 76.0 for seed in range(10) for s in of("veins", seed)} == {True}


def test_arteries_are_thin_and_at_the_base(scene):
    points, fields = scene
    arteries = structure_fields(of("arteries", 0), points, fields)["structure-0"] < 0
    assert points.z[arteries].max() < 32.0
    assert 0.1 < volumes_ml(scene, "arteries", 0)["structure-0"] < 8.0


def test_dura_is_a_sheet(scene):
    points, fields = scene
    dura = structure_fields(of("dura", 0), points, fields)["structure-0"] < 0
    away = np.minimum(np.abs(fields["midline"]), np.abs(fields["tentorium"]))
    assert dura.any()
    assert away[dura].max() < 4.0


def test_cysts_hold_fluid_and_there_is_at_least_one(scene):
    kinds = [of("cysts", seed) for seed in range(30)]
    assert all(1 <= len(found) <= len(CYSTS) for found in kinds)
    assert all(2.0 <= cyst.hu <= 15.0 for found in kinds for cyst in found)
    largest = max(max(volumes_ml(scene, "cysts", seed).values()) for seed in range(5))
    assert 3.0 < largest < 150.0


def test_dura_stays_on_its_sheets_however_uneven_it_is(scene):
    """Its thickness must not turn negative, which would make everything off the sheet dura."""
    points, fields = scene
    off = (np.abs(fields["midline"]) > 6.0) & (np.abs(fields["tentorium"]) > 6.0) & (fields["cavity"] < 0)
    for seed in range(30):
        assert not ((structure_fields(of("dura", seed), points, fields)["structure-0"] < 0) & off).any(), seed

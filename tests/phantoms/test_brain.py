import numpy as np
import pytest

from ichnos.phantoms.brain import brain_fields, draw_brain
from ichnos.phantoms.fields import Points
from ichnos.phantoms.head import draw_head, surfaces, warp

AXIS = np.arange(-90.0, 90.0, 3.0, dtype=np.float32)
GRID = Points(*np.meshgrid(AXIS, AXIS, AXIS, indexing="ij"))


def volume_ml(inside):
    return float(inside.sum()) * 3.0**3 / 1000.0


@pytest.fixture(scope="module", params=range(3))
def fields(request):
    rng = np.random.default_rng(request.param)
    head, brain = draw_head(rng), draw_brain(rng)
    points = warp(head, GRID)
    found = surfaces(head, points)
    return found | brain_fields(brain, points, found["cavity"]) | {"x": points.x, "z": points.z}


def test_fields_are_single_precision_and_finite(fields):
    for name, field in fields.items():
        assert field.dtype == np.float32, name
        assert np.isfinite(field).all(), name


def test_ventricles_are_inside_and_of_a_likely_size(fields):
    inside = fields["ventricles"] < 0
    assert (fields["cavity"][inside] < -5).all()
    assert 5.0 < volume_ml(inside) < 150.0  # from young to atrophic (typical)


def test_sheets_lie_where_they_should(fields):
    falx = np.abs(fields["midline"]) < fields["falx"]
    assert (np.abs(fields["x"][falx]) < 6).all()
    assert (fields["z"][falx] > -40).all()
    hindbrain = (fields["hindbrain"] < 0) & (fields["cavity"] < 0)
    assert (fields["z"][hindbrain] < 15).all()
    assert 100.0 < volume_ml(hindbrain) < 420.0

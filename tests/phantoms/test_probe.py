import numpy as np
import pytest

from ichnos.phantoms.fields import ellipsoid
from ichnos.phantoms.probe import Probe

AXES = (60.0, 80.0, 70.0)


@pytest.fixture
def probe():
    return Probe(lambda points: ellipsoid(points, (0.0, 0.0, 0.0), AXES), -40.0, 60.0)


def test_points_on_the_table_lie_on_the_surface(probe):
    for angle, height, side in ((0.0, 10.0, 1.0), (80.0, 30.0, -1.0), (-60.0, -20.0, 1.0)):
        place = probe.on_table(angle, height, side)
        assert np.linalg.norm(np.divide(place, AXES)) == pytest.approx(1.0, abs=0.01)
        assert place[2] == height
        assert np.sign(place[0]) == side


def test_inward_points_to_the_middle(probe):
    assert probe.inward((60.0, 0.0, 0.0)) == pytest.approx((-1.0, 0.0, 0.0), abs=0.01)


def test_heights_are_kept_inside_the_scan(probe):
    assert probe.clip_height(500.0) == 54.0
    assert probe.clip_height(-500.0) == -34.0
    assert probe.sees(0.0)
    assert not probe.sees(61.0)


def test_places_are_moved_until_deep_enough(probe):
    x, y, z = probe.into_brain((59.0, 0.0, 0.0), 12.0)
    assert 0 < x < 50
    inside = probe.into_brain((10.0, 5.0, 0.0), 12.0)
    assert inside == (10.0, 5.0, 0.0)
    assert abs(y) < 10
    assert z >= 0

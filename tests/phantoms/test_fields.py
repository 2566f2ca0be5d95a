import numpy as np
import pytest

from ichnos.phantoms.fields import (
    Noise,
    Points,
    ball,
    bump,
    capsule,
    ellipsoid,
    folded,
    moved,
    rod,
    scaled,
    smooth_max,
    step,
)


def points(*places):
    x, y, z = np.array(places, dtype=np.float32).T
    return Points(*(v[None, None] for v in (x, y, z)))


def test_ellipsoid_is_zero_on_its_surface_and_grows_in_mm_near_it():
    at = points((20.0, 0.0, 0.0), (0.0, 10.0, 0.0), (0.0, 0.0, 6.0), (0.0, 0.0, 5.0), (20.5, 0.0, 0.0))
    distance = ellipsoid(at, (0.0, 0.0, 0.0), (20.0, 10.0, 6.0))[0, 0]
    assert distance == pytest.approx([0.0, 0.0, 0.0, -1.0, 0.5], abs=0.02)


def test_ball_equals_distance_near_its_surface():
    distance = ball(points((3.0, 0.0, 0.0), (0.0, 3.1, 0.0), (0.0, 0.0, 0.0)), (0.0, 0.0, 0.0), 3.0)[0, 0]
    assert distance == pytest.approx([0.0, 0.1, -1.5], abs=0.01)


def test_capsule_and_rod_by_hand():
    at = points((5.0, 3.0, 0.0), (-2.0, 0.0, 0.0), (10.0, 2.0, 0.0))
    assert capsule(at, (0.0, 0.0, 0.0), (10.0, 0.0, 0.0), (1.0, 1.0))[0, 0] == pytest.approx([2.0, 1.0, 1.0])
    nodes = ((0.0, 0.0, 0.0, 1.0), (10.0, 0.0, 0.0, 1.0), (10.0, 10.0, 0.0, 1.0))
    assert rod(at, nodes)[0, 0] == pytest.approx([2.0, 1.0, -1.0], abs=1e-5)


def test_noise_is_standard_and_repeats_with_its_seed():
    noise = Noise.draw(np.random.default_rng(3), 10.0)
    again = Noise.draw(np.random.default_rng(3), 10.0)
    places = Points(*np.random.default_rng(0).uniform(-100, 100, (3, 10, 30, 30)).astype(np.float32))
    values = noise.at(places)
    assert values.dtype == np.float32
    assert np.array_equal(values, again.at(places))
    assert abs(float(values.mean())) < 0.1
    assert 0.6 < float(values.std()) < 1.1  # linear interpolation takes some of the variance


def test_steps_bumps_and_maxima():
    field = np.array([[[-9.0, 0.0, 9.0]]], dtype=np.float32)
    assert step(field, 2.0)[0, 0].tolist() == [0.0, 0.5, 1.0]
    assert bump(field, 9.0)[0, 0] == pytest.approx([np.exp(-0.5), 1.0, np.exp(-0.5)])
    assert smooth_max(field, -field, 1.0)[0, 0] == pytest.approx([9.0, 0.25, 9.0])


def test_moving_folding_and_scaling():
    at = points((-1.0, 2.0, 3.0))
    assert [float(v[0, 0, 0]) for v in folded(at)] == [1.0, 2.0, 3.0]
    assert [float(v[0, 0, 0]) for v in moved(at, scaled(at, 2.0))] == [-3.0, 6.0, 9.0]

import numpy as np
import pytest

from ichnos.phantoms.grown.frame import as_distance, make_frame

FRAME = make_frame((8, 24, 24), (6.0, 4.0, 4.0), -20.0)


def test_axes_run_up_back_and_left():
    assert FRAME.z[:, 0, 0].tolist() == [-20.0 + 6.0 * n for n in range(8)]
    assert FRAME.y[0, :2, 0].tolist() == [46.0, 42.0]
    assert FRAME.x[0, 0, :2].tolist() == [46.0, 42.0]


def test_an_ellipsoid_holds_its_share_of_voxels():
    fine = make_frame((40, 40, 40), (2.0, 2.0, 2.0), -39.0)
    inside = fine.ellipsoid((3.0, -2.0, 1.0), (30.0, 20.0, 25.0)) < 0
    assert np.count_nonzero(inside) * 8.0 == pytest.approx(4 / 3 * np.pi * 30 * 20 * 25, rel=0.01)


def test_a_pair_is_mirrored():
    level = FRAME.pair((20.0, 0.0, 0.0), (8.0, 8.0, 8.0))
    assert np.array_equal(level, level[:, :, ::-1])
    assert level[3, 12, 6] < 0 < level[3, 12, 12]


@pytest.mark.parametrize("width_mm", [5.0, 40.0])
def test_noise_is_smooth_over_its_width(width_mm):
    noise = make_frame((24, 64, 64), (3.0, 3.0, 3.0), 0.0).noise(np.random.default_rng(1), width_mm)
    assert abs(noise.std() - 1.0) < 0.35
    beside = np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]
    assert beside > (0.9 if width_mm == 40.0 else 0.3)


def test_a_turn_keeps_distances():
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    turned = FRAME.turned(turn, np.array([1.0, 2.0, 3.0]))
    assert np.allclose(turned.x, 1.0 - FRAME.y)
    assert np.allclose(turned.y, 2.0 + FRAME.x)
    assert np.allclose(turned.z, 3.0 + FRAME.z)


def test_bending_moves_points_by_about_what_was_asked():
    bent = FRAME.bent(np.random.default_rng(0), 30.0, 2.0)
    moved = np.sqrt((bent.x - FRAME.x) ** 2 + (bent.y - FRAME.y) ** 2 + (bent.z - FRAME.z) ** 2)
    assert 1.0 < moved.mean() < 6.0


def test_distance_to_a_plane_and_a_ball():
    frame = make_frame((30, 40, 40), (2.0, 2.0, 2.0), -29.0)
    plane = as_distance(7.0 * (frame.x - 3.0), frame.spacing_mm)
    assert np.allclose(plane, frame.x - 3.0, atol=1e-3)
    ball = as_distance(frame.ellipsoid((0.0, 0.0, 0.0), (20.0, 20.0, 20.0)), frame.spacing_mm)
    radius = np.sqrt(frame.x**2 + frame.y**2 + frame.z**2)
    near = np.abs(radius - 20.0) < 4.0
    assert np.abs(ball - (radius - 20.0))[near].max() < 0.5

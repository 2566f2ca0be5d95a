import numpy as np
import pytest

from ichnos.phantoms.fields import Points
from ichnos.phantoms.head import draw_head, petrous_ridge, sphenoid_ridge, surfaces, warp


def at(*places):
    x, y, z = np.array(places, dtype=np.float32).T
    return Points(*(v[None, None] for v in (x, y, z)))


@pytest.mark.parametrize("seed", range(5))
def test_layers_lie_in_order_from_inside_out(seed):
    head = draw_head(np.random.default_rng(seed))
    reach = np.arange(0.0, 120.0, 0.5)
    for direction in ((1.0, 0.0, 0.3), (0.0, 1.0, 0.3), (-0.5, -0.7, 0.3), (0.2, 0.2, 1.0)):
        ray = at(*(reach[:, None] * np.array(direction) / np.linalg.norm(direction)))
        found = surfaces(head, warp(head, ray))
        ends = [reach[int(np.argmax(found[name][0, 0] > 0))] for name in ("cavity", "skull", "skin")]
        assert 50.0 < ends[0] < 100.0
        assert 1.5 <= ends[1] - ends[0] <= 22.0
        assert ends[1] <= ends[2]


def test_cavity_is_as_large_as_a_cranial_cavity():
    sizes_ml = []
    axis = np.arange(-100.0, 100.0, 4.0, dtype=np.float32)
    for seed in range(4):
        head = draw_head(np.random.default_rng(seed))
        points = Points(*np.meshgrid(axis, axis, axis, indexing="ij"))
        inside = (surfaces(head, warp(head, points))["cavity"] < 0) & (points.z > -75)
        sizes_ml.append(inside.sum() * 4.0**3 / 1000.0)
    assert 1150.0 < min(sizes_ml) <= max(sizes_ml) < 1900.0  # adult range (typical)


def test_base_is_bone_at_the_petrous_ridge_and_brain_above_it():
    head = draw_head(np.random.default_rng(0))
    found = surfaces(head, at((35.0, -25.0, -35.0), (35.0, -25.0, -5.0), (35.0, 8.0, -40.0)))
    assert (found["cavity"][0, 0] < 0).tolist() == [False, True, True]
    assert found["skull"][0, 0, 0] < 0


def test_ridges_part_three_fossae():
    x = np.array([[[20.0, 40.0]]], dtype=np.float32)
    assert (petrous_ridge(x) < 0).all()
    assert (sphenoid_ridge(x) > 20).all()

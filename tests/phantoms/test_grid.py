import numpy as np
import pytest

from ichnos.phantoms.fields import ellipsoid
from ichnos.phantoms.grid import draw_grid
from ichnos.phantoms.settings import PhantomSettings


def grid(seed=0, **choices):
    defaults = {"slices": 24, "rows": 96, "columns": 96}
    return draw_grid(np.random.default_rng(seed), PhantomSettings(**(defaults | choices)))


@pytest.mark.parametrize("tilt", [0.0, 12.0, 20.0])
def test_tilt_is_as_asked_and_the_table_steps_along_z(tilt):
    geometry = grid(tilt_degrees=(tilt, tilt)).geometry
    assert geometry.tilt_degrees == pytest.approx(tilt, abs=1e-4)
    assert np.abs(np.diff(geometry.origins_mm, axis=0)[:, :2]).max() < 1e-9
    assert geometry.normal[2] == pytest.approx(np.cos(np.radians(tilt)))


def test_axes_are_canonical():
    geometry = grid(tilt_degrees=(0.0, 0.0)).geometry
    assert geometry.column_steps_mm[0, 0] < 0  # towards patient left
    assert geometry.row_steps_mm[0, 1] < 0  # towards posterior


def test_spacing_covers_the_head_within_its_range():
    geometry = grid(uneven_probability=0.0).geometry
    assert np.ptp(geometry.gaps_mm) < 1e-9
    steps = np.diff(geometry.origins_mm[:, 2])
    assert 135.0 / 24 <= steps[0] <= 172.0 / 24


def test_uneven_gaps_are_larger_above():
    gaps = grid(uneven_probability=1.0).geometry.gaps_mm
    assert gaps[-1] / gaps[0] >= 1.39


@pytest.mark.parametrize(("tilt", "uneven"), [(0.0, 0.0), (18.0, 0.0), (0.0, 1.0), (18.0, 1.0)])
def test_volume_of_an_ellipsoid_is_the_analytic_one(tilt, uneven):
    scene = grid(3, slices=40, gap_mm=(3.0, 4.5), tilt_degrees=(tilt, tilt), uneven_probability=uneven)
    centre = (5.0, -10.0, float(np.median(scene.heights_mm)))
    inside = ellipsoid(scene.voxel_points(), centre, (30.0, 40.0, 25.0)) < 0
    true_ml = 4.0 / 3.0 * np.pi * 30.0 * 40.0 * 25.0 / 1000.0
    assert scene.geometry.volume_ml(inside) == pytest.approx(true_ml, rel=0.01)
    centroid = scene.turn @ (scene.geometry.centroid_mm(inside) - scene.shift_mm)
    assert centroid == pytest.approx(centre, abs=0.5)


def test_lattice_agrees_with_voxels_after_enlarging():
    scene = grid(1, thickness_planes=1)
    shape = ((0.0, 0.0, 10.0), (50.0, 60.0, 45.0))
    exact = ellipsoid(scene.voxel_points(), *shape)
    coarse = ellipsoid(scene.lattice_points(), *shape)
    window = (slice(10, 80), slice(5, 90))
    enlarge = scene.enlarger(*window)
    middle = scene.geometry.shape[0] // 2
    near = np.abs(exact[middle][window]) < 8.0
    assert near.any()
    assert np.abs(enlarge(coarse[middle]) - exact[middle][window])[near].max() < 0.1


def test_one_slice_has_a_thickness():
    assert grid(slices=1).geometry.slice_extents_mm.tolist() == [3.0]

import numpy as np
import pytest
from phantoms.painted_scene import painted

from ichnos.phantoms.features import Features
from ichnos.phantoms.fields import Points
from ichnos.phantoms.grid import draw_grid
from ichnos.phantoms.rim import draw_rim, hardening_field, rim_fields
from ichnos.phantoms.settings import PhantomSettings

SETTINGS = PhantomSettings(
    slices=5, rows=96, columns=96, gap_mm=(20.0, 20.0), tilt_degrees=(0.0, 0.0), rotation_degrees=0.0
)
GRID = draw_grid(np.random.default_rng(0), SETTINGS)
POINTS = GRID.lattice_points()
BALL = np.sqrt(POINTS.x**2 + POINTS.y**2 + POINTS.z**2) - np.float32(80.0)


def rim_of(*names, seed=1):
    return draw_rim(Features(seed, frozenset(names)))


def test_absent_features_have_no_fields():
    assert rim_fields(rim_of(), GRID, POINTS, BALL) == {}
    assert np.array_equal(hardening_field(rim_of(), POINTS), np.zeros_like(BALL))
    assert rim_fields(rim_of("slab"), GRID, POINTS, BALL).keys() == {"blunt"}
    assert rim_fields(rim_of("rim"), GRID, POINTS, BALL).keys() == {"rim_gain", "blunt"}


def test_the_table_of_a_ball_is_blunt_as_far_as_it_slopes():
    found = rim_fields(rim_of("slab"), GRID, POINTS, BALL)["blunt"] / GRID.slab_mm
    expected = np.abs(POINTS.z) / (BALL + 80.0)  # cosine between the ball's normal and that of the slice
    near = np.abs(BALL[:, 1:-1, 1:-1]) < 15.0
    np.testing.assert_allclose(found[:, 1:-1, 1:-1][near], expected[:, 1:-1, 1:-1][near], atol=0.05)


def test_the_rise_differs_around_the_skull_and_keeps_its_mean():
    gains = [rim_fields(rim_of("rim", seed=seed), GRID, POINTS, BALL)["rim_gain"] for seed in range(6)]
    level = np.abs(POINTS.z) < 15.0
    middle = [gain[level] for gain in gains]
    assert 0.5 < np.mean([one.mean() for one in middle]) < 1.7
    assert min(one.std() for one in middle) > 0.1
    assert min(one.min() for one in gains) > 0.0


def test_bands_are_dark_between_the_petrous_bones_and_nowhere_else():
    field = hardening_field(rim_of("hardening"), POINTS)
    assert np.abs(field[POINTS.z > 60.0]).max(initial=0.0) < 0.5
    spot = Points(*(np.full((1, 1, 1), v, np.float32) for v in (0.0, -8.0, -38.0)))
    values = [float(hardening_field(rim_of("hardening", seed=s), spot)[0, 0, 0]) for s in range(20)]
    assert -40.0 < np.mean(values) < -6.0


def test_sloping_bone_is_averaged_over_the_slice(monkeypatch):
    tiny = {"slices": 3, "rows": 64, "columns": 64, "gap_mm": (9.0, 9.0), "thickness_planes": 1}
    plain, soft = (
        painted(monkeypatch, 4, bleed_probability=0.0, distractors=False, features=features, **tiny)[2]
        for features in ({}, {"slab": 1.0})
    )
    edge = (plain.cavity > 0.0) & (plain.cavity < 1.0)
    mixed = (soft.voxels_hu > 90.0) & (soft.voxels_hu < 300.0)
    assert mixed[plain.cavity > 0.99].sum() > 20
    assert not ((plain.voxels_hu > 150.0) & (plain.cavity > 0.99) & ~edge).any()
    assert plain.cavity.sum() == pytest.approx(soft.cavity.sum())


def test_blood_under_a_blunt_table_is_mixed_with_bone_too(monkeypatch):
    tiny = {"slices": 5, "rows": 64, "columns": 64, "gap_mm": (9.0, 9.0), "thickness_planes": 1}
    choices = {"bleed_probability": 1.0, "subtypes": ("subdural",), "distractors": False}
    sharp, blunt = (
        painted(monkeypatch, 6, features=features, **choices, **tiny)[2] for features in ({}, {"slab": 1.0})
    )
    blood = sharp.bleeds["subdural"] > 0.99
    assert blood.sum() > 20
    assert np.array_equal(sharp.bleeds["subdural"], blunt.bleeds["subdural"])
    brightened = (blunt.voxels_hu - sharp.voxels_hu)[blood]
    assert brightened.min() > -1.0
    assert brightened.max() > 40.0

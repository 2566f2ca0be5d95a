import numpy as np
import pytest
from phantoms.painted_scene import painted, plane_values

from ichnos.phantoms.tissue import draw_radiodensity, draw_texture, mix


@pytest.fixture
def scene(monkeypatch):
    return painted(monkeypatch, 11, bleed_probability=0.0, distractors=False, thickness_planes=1)


def values(scene, where):
    grid, content, layers, _ = scene
    fields = {name: plane_values(grid, content, name) for name in ("cavity", "skull", "skin", "ventricles")}
    return layers.voxels_hu[where(fields)]


def test_brain_skull_and_air_have_their_densities(scene):
    hu = scene[1].hu
    brain = values(scene, lambda f: (f["cavity"] < -12) & (f["ventricles"] > 6))
    assert 20 < np.median(brain) < 55
    bone = values(scene, lambda f: (f["cavity"] > 2.5) & (f["skull"] < -2.5))
    assert np.median(bone) > 300
    assert np.percentile(bone, 99) < 2300
    assert hu.white < hu.grey
    air = values(scene, lambda f: f["skin"] > 5)
    assert (air == -1000.0).mean() > 0.9


def test_ventricles_hold_fluid(scene):
    hu = scene[1].hu
    fluid = values(scene, lambda f: f["ventricles"] < -2.5)
    assert np.median(fluid) < hu.cerebrospinal + 12.0


def test_a_bright_rim_lies_under_the_skull(scene):
    rim = np.median(values(scene, lambda f: (f["cavity"] < -0.5) & (f["cavity"] > -2.0)))
    deep = np.median(values(scene, lambda f: (f["cavity"] < -15.0) & (f["ventricles"] > 6.0)))
    assert rim > deep - 8.0


def test_scalp_is_fat_and_muscle(scene):
    scalp = values(scene, lambda f: (f["skull"] > 1.5) & (f["skin"] < -1.5))
    assert scalp.min() < -50
    assert np.percentile(scalp, 90) > 20


def test_mixing_and_texture():
    assert mix(np.array([[0.0]]), 10.0, np.array([[0.25]]))[0, 0] == 2.5
    texture = draw_texture(np.random.default_rng(0), (64, 64), 1.0)
    assert texture.std() == pytest.approx(1.0, abs=0.01)


def test_densities_are_in_their_ranges():
    for seed in range(20):
        hu = draw_radiodensity(np.random.default_rng(seed))
        assert 20 < hu.white < hu.grey < 45
        assert 0 <= hu.cerebrospinal < 15
        assert 42 <= hu.dura <= 58

import ast
from pathlib import Path

import numpy as np
import pytest

import ichnos.phantoms.grown as family
from ichnos.phantoms.grown.grown import make_grown_phantom
from ichnos.phantoms.grown.settings import GrownSettings

SMALL = {"slices": 8, "size": 64, "planes": 2, "angles": 60, "gap_mm": (14.0, 18.0)}


def small(seed, **choices):
    return make_grown_phantom(seed, GrownSettings(**(SMALL | choices)))


@pytest.fixture(scope="module")
def sick():
    return small(1, bleed_probability=1.0, subtypes=("intraparenchymal",))


def test_same_seed_same_bits(sick):
    again = small(1, bleed_probability=1.0, subtypes=("intraparenchymal",))
    assert np.array_equal(again.scan.voxels_hu, sick.scan.voxels_hu)
    assert np.array_equal(again.bleed_mask, sick.bleed_mask)
    assert np.array_equal(again.scan.geometry.affine, sick.scan.geometry.affine)


def test_without_bleeds_the_head_is_the_same(sick):
    well = small(1, bleed_probability=0.0)
    assert well.bleed_masks == {}
    assert np.array_equal(well.brain_mask, sick.brain_mask)
    change = sick.scan.voxels_hu - well.scan.voxels_hu
    assert change[sick.bleed_mask].mean() > 10.0
    far = well.brain_mask & ~sick.bleed_mask.any(axis=(1, 2))[:, None, None]
    assert abs(change[far].mean()) < 1.0  # no blood in the slice: only other photons


def test_voxels_are_those_of_a_head_in_air(sick):
    hu = sick.scan.voxels_hu
    assert np.isfinite(hu).all()
    assert hu.min() == -1024.0
    assert 0.0 < np.median(hu[sick.brain_mask]) < 50.0
    assert hu.max() > 600.0
    assert sick.bleed_mask[~sick.brain_mask].mean() < 1e-3


def test_volumes_are_of_the_scan_geometry(sick):
    assert 300.0 < sick.scan.geometry.volume_ml(sick.brain_mask) < 2200.0
    steps = np.diff(sick.scan.geometry.origins_mm, axis=0)
    assert np.allclose(steps[:, :2], 0.0)
    assert np.all((steps[:, 2] >= 14.0) & (steps[:, 2] <= 18.0))


def test_one_slice_is_enough():
    assert small(3, slices=1).scan.voxels_hu.shape == (1, 64, 64)


def test_nothing_is_shared_with_the_first_family():
    allowed = {"ichnos.phantoms.phantom", "ichnos.phantoms.settings"}  # the type of the result, and names of subtypes
    for path in Path(family.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("ichnos.phantoms"):
                module = str(node.module)
                assert module in allowed or module.startswith("ichnos.phantoms.grown."), (path.name, module)

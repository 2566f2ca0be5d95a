"""The smallest things that can be trained and segmented with; shared by the tests of several rooms."""

import numpy as np

from ichnos.cohorts.slice_store import BLEED, MARKS, SliceStore
from ichnos.phantoms import PhantomSettings
from ichnos.scans.geometry import Geometry
from ichnos.scans.scan import Scan
from ichnos.training.recipe import TrainingRecipe

SWIN = {
    "image_size": 32,
    "tile_size": 4,
    "depths": [2, 2],
    "attn_heads": [1, 2],
    "embed_dim": 8,
    "patch_size": 2,
}
"""Arguments of a Swin of about 5 000 parameters."""

SETTINGS = PhantomSettings(slices=6, rows=64, columns=64)
"""Phantoms that take a tenth of a second."""


def tiny_content(**sections):
    """A recipe as TOML would give it; a section given replaces keys of that section."""
    content = {
        "seed": 3,
        "data": {
            "phantoms": 8,
            "first_seed": 0,
            "validation_fraction": 0.5,
            "calibration_phantoms": 2,
            "test_phantoms": 2,
            "settings": {"slices": 6, "rows": 64, "columns": 64},
        },
        "network": {"name": "swin", "arguments": SWIN},
        "preprocessing": {
            "hu_windows": [{"level_hu": 40, "width_hu": width} for width in (80, 200, 400)],
            "image_size": 32,
            "field_of_view_mm": 230.0,
            "mean": 0.35,
            "deviation": 0.33,
        },
        "segmentation": {"stages": [1, 2]},
        "optimisation": {"epochs": 3, "batch_size": 12, "learning_rate": 1e-3},
    }
    for name, section in sections.items():
        content[name] = {**content.get(name, {}), **section} if isinstance(section, dict) else section
    return content


def tiny_recipe(**sections):
    return TrainingRecipe.model_validate(tiny_content(**sections))


def box_scan(shape=(4, 16, 16), spacing_mm=(5.0, 1.0, 1.0), hu=40.0):
    """A scan of one value; from feet to head, front to back, right to left."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = spacing_mm[0], -spacing_mm[1], -spacing_mm[2], 1.0
    return Scan(np.full(shape, hu, np.float32), Geometry.from_affine(affine, shape))


def made_store(count=40, size=8, patients=10, seed=0):
    """A store in memory whose positive slices are brighter: a quarter of all, spread over patients."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((count, 6), np.int8)
    labels[:, [0, 2]] = (np.arange(count) % 4 == 0)[:, None]
    hu = rng.normal(30, 15, (count, size, size)) + 20 * labels[:, :1, None]
    marks = np.full(hu.shape, MARKS["brain"], np.uint8)
    marks[::4, size // 4 : size // 2, size // 4 : size // 2] |= MARKS["intraparenchymal"]
    hu[(marks & BLEED) != 0] += 20
    return SliceStore(
        hu=np.rint(hu).astype("<i2"),
        marks=marks,
        labels=labels,
        has_mask=np.ones(count, bool),
        is_obvious=labels[:, 0] == 1,
        cases=np.arange(count) * patients // count,
        names=tuple(f"case-{number}" for number in range(patients)),
        patients=tuple(f"patient-{number}" for number in range(patients)),
        origin={},
    )

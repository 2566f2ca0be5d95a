import importlib.util
from pathlib import Path

import numpy as np
import pytest

TOOL = Path(__file__).parents[2] / "tools" / "compare_brain_masks.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("compare_brain_masks", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def draw_ring(rows_mm, columns_mm, pixel_mm, size=160):
    """Brain of 35 HU in an elliptic skull 6 mm thick; the ellipse inside it is the truth."""
    rows, columns = np.indices((size, size)) - size / 2
    within = np.hypot(rows * pixel_mm[0] / rows_mm, columns * pixel_mm[1] / columns_mm) < 1
    skull = np.hypot(rows * pixel_mm[0] / (rows_mm + 6), columns * pixel_mm[1] / (columns_mm + 6)) < 1
    return np.where(within, 35.0, np.where(skull, 900.0, -1000.0)), within


def test_rays_find_the_inner_table(tool):
    slice_hu, within = draw_ring(80.0, 60.0, (1.2, 1.0))
    found = tool.cast_rays(slice_hu, (1.2, 1.0))
    assert (found ^ within).sum() < 0.02 * within.sum()


def test_a_gap_is_no_ring(tool):
    slice_hu, _ = draw_ring(80.0, 60.0, (1.2, 1.0))
    slice_hu[75:85, 100:] = 35.0
    assert tool.cast_rays(slice_hu, (1.2, 1.0)) is None
    assert tool.cast_rays(np.full((32, 32), -1000.0), (1.0, 1.0)) is None

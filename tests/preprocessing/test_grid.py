import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from preprocessing.heads import ball_head, canonical_geometry

from ichnos.preprocessing.grid import LARGEST_HEAD_MM, Axis, ModelGrid
from ichnos.preprocessing.head import find_head_box
from ichnos.scans.scan import AIR_HU, Scan


def slow_average(values: np.ndarray, axis: Axis) -> np.ndarray:
    """The triangle filter, one weight at a time; outside the scan is zero."""
    out = np.zeros(axis.length)
    reach = max(1.0, axis.step)
    for i in range(axis.length):
        centre, total = axis.start + i * axis.step, 0.0
        for place in range(-50, axis.scan_length + 50):
            weight = max(0.0, 1 - abs(place - centre) / reach)
            total += weight
            if 0 <= place < axis.scan_length:
                out[i] += weight * values[place]
        out[i] /= total
    return out


@pytest.mark.parametrize(
    "axis", [Axis(8, 0.5, 2.0, 16), Axis(7, -3.0, 3.3, 16), Axis(20, 1.2, 0.4, 12), Axis(5, 4.0, 1.0, 30)]
)
def test_to_model_is_a_triangle_filter(axis: Axis) -> None:
    values = np.random.default_rng(0).normal(size=axis.scan_length)
    np.testing.assert_allclose(axis.to_model() @ values, slow_average(values, axis), atol=1e-5)


@pytest.mark.parametrize("axis", [Axis(8, 0.5, 2.0, 16), Axis(7, 2.0, 3.3, 30), Axis(20, 1.2, 0.4, 12)])
def test_to_scan_interpolates_linearly(axis: Axis) -> None:
    values = np.random.default_rng(1).normal(size=axis.length)
    centres = axis.start + axis.step * np.arange(axis.length)
    pixels = np.arange(axis.scan_length)
    inside = (pixels >= centres[0] - axis.step / 2) & (pixels <= centres[-1] + axis.step / 2)
    expected = np.where(inside, np.interp(pixels, centres, values), 0.0)
    np.testing.assert_allclose(axis.to_scan() @ values, expected, atol=1e-5)


@settings(deadline=None, max_examples=50)
@given(start=st.floats(-20, 20), step=st.floats(0.3, 5), length=st.integers(2, 40), scan_length=st.integers(2, 60))
def test_a_straight_line_stays_where_it_is(start: float, step: float, length: int, scan_length: int) -> None:
    """No shift by half a pixel, whatever the placement: a ramp keeps its value at every place inside."""
    axis = Axis(length, start, step, scan_length)
    ramp_model = axis.start + axis.step * np.arange(length)
    places = (np.arange(scan_length) - start) / step
    strictly_inside = (places >= 0) & (places <= length - 1)
    back = axis.to_scan().astype(float) @ ramp_model
    np.testing.assert_allclose(back[strictly_inside], np.arange(scan_length)[strictly_inside], atol=1e-3)


def scan_of(voxels: np.ndarray, spacing_mm: tuple[float, float, float] = (5.0, 1.0, 1.0)) -> Scan:
    return Scan(voxels.astype(np.float32), canonical_geometry(voxels.shape, spacing_mm))


def test_whole_slice_covers_every_pixel_once() -> None:
    voxels = np.random.default_rng(2).normal(size=(2, 24, 36))
    grid = ModelGrid.place(scan_of(voxels), 12, None)
    assert (grid.row_axis.step, grid.column_axis.step) == (2.0, 3.0)
    constant = np.full((2, 24, 36), 33.0, dtype=np.float32)
    inner = grid.to_model(constant)[:, 1:-1, 1:-1]
    np.testing.assert_allclose(inner, 33.0, atol=1e-3)


def test_outside_the_scan_is_air() -> None:
    scan = ball_head()
    model = ModelGrid.place(scan, 32, 600.0).to_model(scan.voxels_hu)
    assert model[:, 0, 0] == pytest.approx(AIR_HU)


@pytest.mark.parametrize("field_of_view_mm", [200.0, None])
def test_a_blob_comes_back_where_it_was(field_of_view_mm: float | None) -> None:
    scan = ball_head(centre_mm=(10.0, -8.0, 0.0))
    shape = scan.voxels_hu.shape
    row, column = np.mgrid[: shape[1], : shape[2]]
    blob = np.exp(-((row - 70.0) ** 2 + (column - 55.0) ** 2) / (2 * 6.0**2)).astype(np.float32)
    blobs = np.repeat(blob[None], shape[0], axis=0)
    grid = ModelGrid.place(scan, 64, field_of_view_mm)
    back = grid.to_scan(grid.fractions_to_model(blobs))
    for z in (0, shape[0] - 1):
        total = back[z].sum()
        assert (back[z] * row).sum() / total == pytest.approx(70.0, abs=0.02)
        assert (back[z] * column).sum() / total == pytest.approx(55.0, abs=0.02)


def test_slices_are_resampled_independently() -> None:
    scan = ball_head(shape=(6, 40, 40), spacing_mm=(20.0, 5.0, 5.0))
    grid = ModelGrid.place(scan, 16, 180.0)
    together = grid.to_model(scan.voxels_hu)
    for z, zoom in itertools.product(range(6), (1,)):
        np.testing.assert_allclose(grid.to_model(scan.voxels_hu[z : z + zoom])[0], together[z], atol=1e-2)


def test_the_middle_of_a_resized_slice_is_what_resizing_and_cutting_gives() -> None:
    """Shorter side to 422, then the middle 384: 19 pixels cut on each side, at any size of slice."""
    voxels = np.random.default_rng(0).normal(size=(1, 512, 512)).astype(np.float32)
    grid = ModelGrid.place(scan_of(voxels), 384, None, resized_to=422)
    resized = torch.nn.functional.interpolate(
        torch.from_numpy(voxels)[None], (422, 422), mode="bilinear", antialias=True
    )[0]
    np.testing.assert_allclose(grid.to_model(voxels), resized[:, 19:403, 19:403].numpy(), atol=2e-3)
    assert not grid.to_scan(np.ones((1, 384, 384), np.float32))[0, :20].any(), "what was cut off is not looked at"


def test_the_middle_of_a_slice_that_is_not_square() -> None:
    voxels = np.zeros((1, 40, 60), np.float32)
    grid = ModelGrid.place(scan_of(voxels), 16, None, resized_to=20)
    assert (grid.row_axis.step, grid.column_axis.step) == (2.0, 2.0)
    assert grid.column_axis.start == (7 + 0.5) * 2 - 0.5


def test_a_head_of_impossible_size_is_seen_whole():
    usual, grown = ball_head(), ball_head(spacing_mm=(5.0, 1.6, 1.6))
    stretched = Scan(grown.voxels_hu, canonical_geometry(grown.voxels_hu.shape, (5.0, 4.8, 4.8)))
    step, larger = (ModelGrid.place(scan, 64, 216.0).row_axis for scan in (usual, stretched))
    assert step.step == pytest.approx(216 / 64 / 1.6)
    extent_px = find_head_box(stretched).extent_mm / 4.8
    assert larger.step * 64 == pytest.approx(extent_px * 216 / LARGEST_HEAD_MM)

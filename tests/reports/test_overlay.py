from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tiny import box_scan

from ichnos.reports.overlay import draw_overlay, write_overlay
from ichnos.scans.scan import Mask
from ichnos.segmentation.segmentation import Segmentation

RED = np.array([255, 60, 60])
HEADER, TILE, COLUMNS = 34, 200, 7


def result(shape=(1, 40, 40), spacing_mm=(5.0, 1.0, 1.0), bleed=(), hu=40.0, flags=()):
    """A segmentation of a scan of one value; `bleed` is indices into its mask."""
    scan = box_scan(shape, spacing_mm, hu)
    if shape[0] == 1:
        scan = replace(scan, geometry=replace(scan.geometry, lone_slice_mm=spacing_mm[0]))
    voxels = np.zeros(shape, bool)
    for place in bleed:
        voxels[place] = True
    mask = Mask(voxels, scan.geometry)
    empty = Mask(np.zeros(shape, bool), scan.geometry)
    values = np.zeros(shape, np.float32)
    return Segmentation(scan, mask, empty, values, np.full(shape[0], 0.25, np.float32), tuple(flags))


def tile_of(sheet, number):
    pixels = np.asarray(sheet)
    top, left = HEADER + number // COLUMNS * TILE, number % COLUMNS * TILE
    return pixels[top : top + TILE, left : left + TILE].astype(int)


def outline_of(tile):
    return (tile == RED).all(axis=2)


def grey_area(tile):
    """Rows and columns that the slice covers in its tile: brain at 40 HU is half grey."""
    grey = (abs(tile - 127) <= 1).all(axis=2) | outline_of(tile)
    rows, columns = np.nonzero(grey)
    return rows.max() - rows.min() + 1, columns.max() - columns.min() + 1


def box_edge(top, bottom, left, right):
    edge = np.zeros((TILE, TILE), bool)
    edge[top:bottom, left:right] = True
    edge[top + 1 : bottom - 1, left + 1 : right - 1] = False
    return edge


def test_the_outline_is_the_edge_of_the_mask():
    sheet = draw_overlay(result(bleed=[np.s_[0, 10:20, 25:35]]), "a")  # 5 pixels of the picture for each of the scan
    expected = box_edge(50, 100, 125, 175)
    found = outline_of(tile_of(sheet, 0))
    assert not found[52:98, 127:173].any(), "the inside stays visible"
    # linear enlargement rounds corners and may move an edge by a pixel
    near = np.pad(expected, 1)
    near = sum(near[1 + r : 201 + r, 1 + c : 201 + c] for r in (-1, 0, 1) for c in (-1, 0, 1)) > 0
    assert not (found & ~near).any()
    assert found.sum() == pytest.approx(expected.sum(), rel=0.05)
    assert found[48:52, 130:170].any(axis=0).all()
    assert found[98:102, 130:170].any(axis=0).all()
    assert found[55:95, 123:127].any(axis=1).all()
    assert found[55:95, 173:177].any(axis=1).all()


def test_without_a_bleed_there_is_no_outline():
    sheet = draw_overlay(result(), "a")
    assert not outline_of(np.asarray(sheet).astype(int)).any()


@pytest.mark.parametrize("size", [40, 200, 640])
def test_a_bleed_of_one_pixel_is_seen_at_its_place(size):
    row, column = size // 4, size // 2
    sheet = draw_overlay(result((1, size, size), bleed=[np.s_[0, row, column]]), "a")
    rows, columns = np.nonzero(outline_of(tile_of(sheet, 0)))
    assert len(rows)
    scale = TILE / size
    assert abs(rows.mean() + 0.5 - (row + 0.5) * scale) <= 1
    assert abs(columns.mean() + 0.5 - (column + 0.5) * scale) <= 1


def test_a_bleed_at_the_border_is_closed():
    found = outline_of(tile_of(draw_overlay(result(bleed=[np.s_[0, :10, :10]]), "a"), 0))
    assert found[0, 60 - 20 :].sum() < found[0].sum()
    assert found[:45, 0].sum() > 20


@pytest.mark.parametrize(("slices", "tiles"), [(1, 1), (3, 3), (7, 7), (8, 8), (42, 42), (43, 42), (300, 42)])
def test_the_sheet_has_room_for_its_tiles_and_a_header(slices, tiles):
    sheet = draw_overlay(result((slices, 16, 16)), "a")
    assert sheet.size == (TILE * min(COLUMNS, tiles), HEADER + -(-tiles // COLUMNS) * TILE)
    assert sheet.mode == "RGB"


@pytest.mark.parametrize(
    ("shape", "spacing_mm"),
    [((1, 40, 80), (5.0, 1.0, 1.0)), ((1, 40, 40), (5.0, 1.0, 2.0)), ((1, 80, 40), (5.0, 0.5, 2.0))],
)
def test_a_wide_slice_is_wide(shape, spacing_mm):
    _, row_mm, column_mm = spacing_mm
    rows, columns = grey_area(tile_of(draw_overlay(result(shape, spacing_mm), "a"), 0))
    assert columns / rows == pytest.approx(shape[2] * column_mm / (shape[1] * row_mm), rel=0.03)
    assert max(rows, columns) == TILE


def test_a_circle_in_mm_stays_a_circle():
    shape, spacing_mm = (1, 100, 50), (5.0, 1.0, 2.0)
    row, column = np.ogrid[:100, :50]
    circle = ((row - 49.5) * 1.0) ** 2 + ((column - 24.5) * 2.0) ** 2 <= 30.0**2
    found = outline_of(tile_of(draw_overlay(result(shape, spacing_mm, [np.s_[0, circle]]), "a"), 0))
    rows, columns = np.nonzero(found)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=4)
    assert np.ptp(rows) == pytest.approx(2 * 30.0 * TILE / 100.0, abs=4)


def test_slices_run_from_feet_to_head():
    made = result((9, 16, 16), bleed=[np.s_[2, 4:12, 4:12], np.s_[8, 4:12, 4:12]])
    sheet = draw_overlay(made, "a")
    assert [bool(outline_of(tile_of(sheet, number)).any()) for number in range(9)] == [z in {2, 8} for z in range(9)]


def test_of_many_slices_the_first_and_last_are_shown():
    made = result((200, 16, 16), bleed=[np.s_[0, 4:12, 4:12], np.s_[199, 4:12, 4:12]])
    sheet = draw_overlay(made, "a")
    assert [bool(outline_of(tile_of(sheet, number)).any()) for number in range(42)] == [n in {0, 41} for n in range(42)]


def test_air_around_the_head_is_left_out():
    made = result((1, 80, 80), hu=-1000.0)
    made.scan.voxels_hu[0, 20:40, 48:68] = 40.0
    assert grey_area(tile_of(draw_overlay(made, "a"), 0)) == pytest.approx((TILE, TILE), abs=8)


@pytest.mark.parametrize("shape", [(1, 16, 16), (5, 16, 16), (1, 3, 5), (1, 1, 1), (2, 1, 64)])
def test_a_scan_of_air_alone_is_drawn(shape):
    sheet = draw_overlay(result(shape, hu=-1024.0), "a")
    assert sheet.size[0] == TILE * shape[0]


def test_the_brain_window_runs_from_0_to_80_hu():
    for hu, grey in ((-20.0, 0), (0.0, 0), (20.0, 63), (80.0, 255), (900.0, 255)):
        made = result((1, 40, 40), hu=hu)
        assert tile_of(draw_overlay(made, "a"), 0)[100, 100].tolist() == pytest.approx([grey] * 3, abs=1)


@pytest.mark.parametrize("title", ["case 1", "ä 病例", "x" * 500, ""])
def test_any_title_and_flags_can_be_written(title):
    drawn = draw_overlay(result(flags=("first doubt", "second doubt")), title)
    assert drawn.size == draw_overlay(result(), "a").size


def test_flags_and_volume_change_the_header_alone():
    plain, flagged = (
        np.asarray(draw_overlay(result(flags=flags, shape=(7, 16, 16)), "a")) for flags in ((), ("look",))
    )
    assert not np.array_equal(plain[:HEADER], flagged[:HEADER])
    np.testing.assert_array_equal(plain[HEADER:], flagged[HEADER:])


def test_the_file_is_the_drawing(tmp_path):
    made = result(bleed=[np.s_[0, 10:20, 10:20]])
    write_overlay(made, tmp_path / "new" / "overlay.png", "a")
    with Image.open(tmp_path / "new" / "overlay.png") as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image), np.asarray(draw_overlay(made, "a")))


def test_drawing_changes_nothing():
    made = result(bleed=[np.s_[0, 10:20, 10:20]])
    hu, bleed = made.scan.voxels_hu.copy(), made.bleed_mask.voxels.copy()
    draw_overlay(made, "a")
    np.testing.assert_array_equal(made.scan.voxels_hu, hu)
    np.testing.assert_array_equal(made.bleed_mask.voxels, bleed)


def test_subtypes_are_outlined_each_in_its_colour():
    plain = result(bleed=[np.s_[0, 10:20, 25:35], np.s_[0, 26:36, 5:15]])
    subtypes = np.zeros(plain.scan.voxels_hu.shape, np.uint8)
    subtypes[0, 10:20, 25:35], subtypes[0, 26:36, 5:15] = 2, 3
    tile = tile_of(draw_overlay(replace(plain, subtypes=subtypes), "a"), 0)
    red, blue = outline_of(tile), (tile == np.array([90, 200, 255])).all(axis=2)
    assert red[:110, 100:].sum() == red.sum() > 100
    assert blue[110:, :100].sum() == blue.sum() > 100
    header = np.asarray(draw_overlay(replace(plain, subtypes=subtypes), "a"))[:HEADER]
    assert header.shape[1] >= 200

"""One picture of a segmentation: every slice in the brain window, the bleed outlined.

Each subtype has its colour, where the model tells them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw
from scipy import ndimage

from ichnos.runtime.files import replacing
from ichnos.runtime.provenance import RESEARCH_USE
from ichnos.segmentation.segmentation import Segmentation

_WINDOW_HU = (0.0, 80.0)
_OUTLINE = (255, 60, 60)
_SUBTYPE_OUTLINES = ((255, 170, 60), (255, 60, 60), (90, 200, 255), (120, 230, 120), (230, 110, 255))
"""In the order of `segmentation.subtypes.SUBTYPES`."""

_TEXT = (230, 230, 90)
_TILE_PX = 200
_COLUMNS = 7
_MOST_TILES = 42
_HEADER_PX = 34


@dataclass(frozen=True)
class _Frame:
    """The part of each slice that is shown, and how many pixels of the picture a scan pixel gets."""

    rows: slice
    columns: slice
    zoom: tuple[float, float]


def write_overlay(result: Segmentation, path: Path, title: str) -> None:
    """Write a PNG montage of a segmentation.

    Args:
        result: at most 42 slices are shown, evenly chosen, feet to head.
        path: ends in .png.
        title: shown above; the caller keeps patient names out of it.
    """
    with replacing(path) as temporary, temporary.open("wb") as stream:
        draw_overlay(result, title).save(stream, format="PNG")


def draw_overlay(result: Segmentation, title: str) -> Image.Image:
    """The montage as an image; slices are shown as radiologists do, patient right on the left."""
    slices = len(result.slice_probabilities)
    shown = np.unique(np.linspace(0, slices - 1, min(slices, _MOST_TILES)).round().astype(int))
    frame = _frame(result)
    tiles = [_draw_slice(result, int(z), frame) for z in shown]
    tile_rows = -(-len(tiles) // _COLUMNS)
    width = _TILE_PX * min(_COLUMNS, len(tiles))
    sheet = Image.new("RGB", (width, _HEADER_PX + tile_rows * _TILE_PX))
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % _COLUMNS * _TILE_PX, _HEADER_PX + number // _COLUMNS * _TILE_PX))
    pen = ImageDraw.Draw(sheet)
    text = f"{title}: {result.volume_ml:.1f} mL predicted, P(bleed) {result.probability:.2f}"
    pen.text((4, 3), text, fill=_TEXT)
    place = 12 + pen.textlength(text)
    for (name, volume_ml), colour in zip(result.subtype_volumes_ml.items(), _SUBTYPE_OUTLINES, strict=False):
        if volume_ml > 0:
            pen.text((place, 3), f"{name} {volume_ml:.1f} mL", fill=colour)
            place += 8 + pen.textlength(f"{name} {volume_ml:.1f} mL")
    notes = "; ".join(result.flags) or "no flags"
    pen.text((4, 17), f"{RESEARCH_USE}  {notes}", fill=(170, 170, 170))
    return sheet


def _frame(result: Segmentation) -> _Frame:
    """A square in mm around everything that is not air, the same for all slices."""
    _, row_mm, column_mm = result.scan.geometry.spacing_mm
    solid = (result.scan.voxels_hu[:, ::4, ::4] > -200.0).any(axis=0)
    rows, columns = np.nonzero(solid)
    shape = result.scan.geometry.shape
    if rows.size == 0:
        rows, columns = np.array([0, (shape[1] - 1) // 4]), np.array([0, (shape[2] - 1) // 4])
    top, bottom = 4 * int(rows.min()), min(shape[1], 4 * int(rows.max()) + 4)
    left, right = 4 * int(columns.min()), min(shape[2], 4 * int(columns.max()) + 4)
    scale = _TILE_PX / max((bottom - top) * row_mm, (right - left) * column_mm)
    return _Frame(slice(top, bottom), slice(left, right), (scale * row_mm, scale * column_mm))


def _draw_slice(result: Segmentation, z: int, frame: _Frame) -> Image.Image:
    low_hu, high_hu = _WINDOW_HU
    part_hu = result.scan.voxels_hu[z, frame.rows, frame.columns]
    grey = np.clip((part_hu - low_hu) / (high_hu - low_hu), 0.0, 1.0)
    size = (
        max(1, round(grey.shape[1] * frame.zoom[1])),
        max(1, round(grey.shape[0] * frame.zoom[0])),
    )
    image = Image.fromarray(_to_bytes(grey)).resize(size, Image.Resampling.BILINEAR).convert("RGB")
    for bleed, colour in _outlines(result, z):
        image = _outline(image, bleed[frame.rows, frame.columns], colour)
    tile = Image.new("RGB", (_TILE_PX, _TILE_PX))
    tile.paste(image, ((_TILE_PX - size[0]) // 2, (_TILE_PX - size[1]) // 2))
    label = f"{z + 1}  {result.slice_probabilities[z]:.2f}"
    ImageDraw.Draw(tile).text((3, 1), label, fill=_TEXT)
    return tile


def _outlines(result: Segmentation, z: int) -> list[tuple[Bool[np.ndarray, "rows columns"], tuple[int, int, int]]]:
    """What is outlined in a slice, and in which colour: the bleed, or each of its subtypes."""
    if result.subtypes is None:
        return [(result.bleed_mask.voxels[z], _OUTLINE)] if result.bleed_mask.voxels[z].any() else []
    numbers = np.unique(result.subtypes[z])
    return [(result.subtypes[z] == number, _SUBTYPE_OUTLINES[number - 1]) for number in numbers if number]


def _outline(image: Image.Image, bleed: Bool[np.ndarray, "rows columns"], colour: tuple[int, int, int]) -> Image.Image:
    enlarged = Image.fromarray(_to_bytes(bleed.astype(np.float32))).resize(image.size, Image.Resampling.BILINEAR)
    inside = np.asarray(enlarged) >= 128
    rows, columns = np.nonzero(bleed)  # a bleed thinner than a pixel of the picture must not vanish
    inside[rows * image.height // bleed.shape[0], columns * image.width // bleed.shape[1]] = True
    edge = inside & ~ndimage.binary_erosion(inside)
    pixels = np.asarray(image).copy()
    pixels[edge] = colour
    return Image.fromarray(pixels)


def _to_bytes(values: Float[np.ndarray, "rows columns"]) -> UInt8[np.ndarray, "rows columns"]:
    return np.asarray(values * 255.0, dtype=np.uint8)

"""One picture of a store: slices of many cases in the brain window, what was drawn on them outlined."""

from pathlib import Path

import numpy as np
from jaxtyping import Int
from PIL import Image, ImageDraw
from scipy import ndimage

from ichnos.cohorts.slice_store import BLEED, SliceStore
from ichnos.runtime.files import replacing

_WINDOW_HU = (0.0, 80.0)
_OUTLINE, _TEXT, _FRAME = (255, 60, 60), (230, 230, 90), (200, 120, 40)
_TILE_PX = 160
_COLUMNS = 8


def write_contact_sheet(store: SliceStore, path: Path, tiles: int = 64, seed: int = 0) -> None:
    """Write a PNG of slices, one case each as far as there are cases.

    Where a case bleeds, its slice with most drawn blood is shown, or one labelled as bleeding, or
    else its middle one. A slice labelled as bleeding has a frame. The caller keeps patient names out
    of case names.

    Args:
        store: what to show.
        path: ends in .png.
        tiles: at most so many.
        seed: of the choice of cases, if there are more.
    """
    with replacing(path) as temporary, temporary.open("wb") as stream:
        draw_contact_sheet(store, tiles, seed).save(stream, format="PNG")


def draw_contact_sheet(store: SliceStore, tiles: int = 64, seed: int = 0) -> Image.Image:
    """The sheet as an image; slices are shown as radiologists do, patient right on the left."""
    cases = np.arange(len(store.names))
    if len(cases) > tiles:
        cases = np.sort(np.random.default_rng(seed).choice(cases, tiles, replace=False))
    rows = np.array([_choose_slice(store, int(case)) for case in cases])
    columns = min(_COLUMNS, len(rows))
    sheet = Image.new("RGB", (columns * _TILE_PX, -(-len(rows) // columns) * _TILE_PX))
    for number, row in enumerate(rows):
        place = (number % columns * _TILE_PX, number // columns * _TILE_PX)
        sheet.paste(_draw(store, rows[number : number + 1], int(row)), place)
    return sheet


def _choose_slice(store: SliceStore, case: int) -> int:
    rows = np.flatnonzero(store.cases == case)
    positive = rows[store.is_positive[rows]]
    if not len(positive):
        return int(rows[len(rows) // 2])
    drawn = ((store.marks[positive] & BLEED) != 0).sum(axis=(1, 2))
    return int(positive[drawn.argmax()] if drawn.any() else positive[len(positive) // 2])


def _draw(store: SliceStore, rows: Int[np.ndarray, "1"], row: int) -> Image.Image:
    low_hu, high_hu = _WINDOW_HU
    grey = np.clip((store.hu[rows][0].astype(np.float32) - low_hu) / (high_hu - low_hu), 0.0, 1.0)
    size = (_TILE_PX, _TILE_PX)
    image = Image.fromarray((grey * 255).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR).convert("RGB")
    blood = (store.marks[rows][0] & BLEED) != 0
    if blood.any():
        enlarged = np.asarray(Image.fromarray(blood.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)) > 0
        pixels = np.array(image)
        pixels[enlarged & ~ndimage.binary_erosion(enlarged)] = _OUTLINE
        image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    case = int(store.cases[row])
    z = row - int(np.flatnonzero(store.cases == case)[0]) + 1
    pen.text((3, 1), f"{store.names[case][-22:]} {z}", fill=_TEXT)
    if store.is_positive[row]:
        pen.rectangle((0, 0, _TILE_PX - 1, _TILE_PX - 1), outline=_FRAME)
    return image

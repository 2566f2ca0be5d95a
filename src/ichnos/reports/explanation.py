"""One picture of an explanation: a slice, the maps of the stages, the fused map, the mask, the methods.

Laid out as Figures 1 to 4 of Rasoulian et al. 2023: first the stages of each method that fuses
stages, with its fused map and the bleed mask; then all methods side by side, for each output.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image, ImageDraw
from scipy import ndimage

from ichnos.runtime.files import replacing
from ichnos.runtime.provenance import RESEARCH_USE
from ichnos.segmentation.explain_scan import ScanExplanation

_WINDOW_HU = (0.0, 80.0)
_PANEL_PX = 220
_LABEL_PX = 18
_TEXT = (230, 230, 90)
_OUTLINE = (255, 60, 60)
_HEAT = np.array([[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]], dtype=np.float32)
"""Dark to light in five steps, even in lightness, so that it survives a grey printer."""

Panel = tuple[str, Image.Image]


def write_explanation(
    found: ScanExplanation, bleed: Bool[np.ndarray, "slices rows columns"], path: Path, title: str
) -> None:
    """Write a PNG of the shown slice.

    Args:
        found: what to show.
        bleed: the bleed mask, drawn as an outline.
        path: ends in .png.
        title: shown above; the caller keeps patient names out of it.
    """
    with replacing(path) as temporary, temporary.open("wb") as stream:
        draw_explanation(found, bleed, title).save(stream, format="PNG")


def draw_explanation(found: ScanExplanation, bleed: Bool[np.ndarray, "slices rows columns"], title: str) -> Image.Image:
    """The picture; patient right on the left, as radiologists see it."""
    z = found.shown
    grey = _grey(found.scan.voxels_hu[z])
    aspect = found.scan.geometry.spacing_mm[1] / found.scan.geometry.spacing_mm[2]
    rows: list[list[Panel]] = []
    for method, stages in found.stages.items():
        panels = [("slice", _picture(grey, aspect))]
        panels += [(f"stage {n}", _picture(_blend(grey, stage), aspect)) for n, stage in enumerate(stages, start=1)]
        panels.append((f"{method}, fused", _picture(_blend(grey, found.maps[method][0, z]), aspect)))
        rows.append([*panels, ("bleed mask", _picture(_outline(grey, bleed[z]), aspect))])
    for number, target in enumerate(found.targets):
        panels = [(f"{target} {found.probabilities[number, z]:.2f}", _picture(_outline(grey, bleed[z]), aspect))]
        panels += [(name, _picture(_blend(grey, maps[number, z]), aspect)) for name, maps in found.maps.items()]
        rows.append(panels)
    return _lay_out(rows, f"{title}, slice {z + 1}   {RESEARCH_USE}")


def _lay_out(rows: list[list[Panel]], title: str) -> Image.Image:
    height = max(image.height for row in rows for _, image in row) + _LABEL_PX
    sheet = Image.new("RGB", (_PANEL_PX * max(map(len, rows)), _LABEL_PX + height * len(rows)))
    pen = ImageDraw.Draw(sheet)
    pen.text((4, 3), title, fill=_TEXT)
    for down, row in enumerate(rows):
        for across, (label, image) in enumerate(row):
            place = (across * _PANEL_PX, _LABEL_PX + down * height)
            sheet.paste(image, (place[0], place[1] + _LABEL_PX))
            pen.text((place[0] + 4, place[1] + 3), label, fill=_TEXT)
    return sheet


def _grey(slice_hu: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns 3"]:
    low_hu, high_hu = _WINDOW_HU
    return np.repeat(np.clip((slice_hu - low_hu) / (high_hu - low_hu), 0.0, 1.0)[:, :, None] * 255.0, 3, axis=2)


def _blend(
    grey: Float[np.ndarray, "rows columns 3"], values: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "rows columns 3"]:
    """The map as heat over the slice; the stronger, the more it covers."""
    steps = np.linspace(0.0, 1.0, len(_HEAT))
    heat = np.stack([np.interp(values, steps, _HEAT[:, channel]) for channel in range(3)], axis=2)
    share = (0.25 + 0.6 * np.clip(values, 0.0, 1.0))[:, :, None]
    return (1.0 - share) * grey + share * heat


def _outline(
    grey: Float[np.ndarray, "rows columns 3"], bleed: Bool[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "rows columns 3"]:
    edge = bleed & ~ndimage.binary_erosion(bleed)
    return np.where(edge[:, :, None], np.array(_OUTLINE, dtype=np.float64), grey)


def _picture(colours: Float[np.ndarray, "rows columns 3"], aspect: float) -> Image.Image:
    """As wide as a panel; `aspect` is the height of a pixel over its width, in mm."""
    image = Image.fromarray(np.clip(colours, 0.0, 255.0).astype(np.uint8))
    height = max(1, round(_PANEL_PX * image.height * aspect / image.width))
    return image.resize((_PANEL_PX, height), Image.Resampling.BILINEAR)

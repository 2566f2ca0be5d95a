"""Predicted against labelled bleeds, as Figures 3 and 4 of Rasoulian et al. 2023.

Red is predicted only, green is labelled only, yellow is both. A row for each slice, a column for
each method; slices in the brain window, patient right on the left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw

from ichnos.runtime.files import replacing
from ichnos.runtime.provenance import RESEARCH_USE

_WINDOW_HU = (0.0, 80.0)
_PANEL_PX = 200
_LABEL_PX = 18
_TEXT = (230, 230, 90)
_PREDICTED_ONLY, _LABELLED_ONLY, _BOTH = (255, 40, 40), (40, 220, 40), (255, 230, 40)
_OPACITY = 0.6


@dataclass(frozen=True)
class ComparedSlice:
    """One slice with its label and what each method predicted.

    Attributes:
        name: shown at the left; the caller keeps patient names out of it.
        slice_hu: to show.
        label: of the annotator.
        predicted: by method.
    """

    name: str
    slice_hu: Float[np.ndarray, "rows columns"]
    label: Bool[np.ndarray, "rows columns"]
    predicted: Mapping[str, Bool[np.ndarray, "rows columns"]]


def write_overlaps(slices: Sequence[ComparedSlice], path: Path, title: str) -> None:
    """Write the picture as PNG."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        draw_overlaps(slices, title).save(stream, format="PNG")


def draw_overlaps(slices: Sequence[ComparedSlice], title: str) -> Image.Image:
    """The picture: the slice itself in the first column, then the methods in the order of the first slice."""
    methods = list(slices[0].predicted)
    sheet = Image.new("RGB", (_PANEL_PX * (1 + len(methods)), 2 * _LABEL_PX + len(slices) * _PANEL_PX))
    pen = ImageDraw.Draw(sheet)
    pen.text((4, 3), f"{title}: red predicted, green labelled, yellow both   {RESEARCH_USE}", fill=_TEXT)
    for column, method in enumerate(methods, start=1):
        pen.text((column * _PANEL_PX + 4, _LABEL_PX + 3), method, fill=_TEXT)
    for row, one in enumerate(slices):
        top = 2 * _LABEL_PX + row * _PANEL_PX
        grey = _grey(one.slice_hu)
        nothing = np.zeros_like(one.label)
        sheet.paste(_panel(grey, nothing, nothing), (0, top))
        pen.text((4, top + 3), one.name, fill=_TEXT)
        for column, method in enumerate(methods, start=1):
            sheet.paste(_panel(grey, one.label, one.predicted[method]), (column * _PANEL_PX, top))
    return sheet


def _grey(slice_hu: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    low_hu, high_hu = _WINDOW_HU
    return np.clip((slice_hu - low_hu) / (high_hu - low_hu), 0.0, 1.0)


def _panel(
    grey: Float[np.ndarray, "rows columns"],
    label: Bool[np.ndarray, "rows columns"],
    predicted: Bool[np.ndarray, "rows columns"],
) -> Image.Image:
    colours = colour_overlap(grey, label, predicted)
    scale = _PANEL_PX / max(colours.shape[:2])
    size = (max(1, round(colours.shape[1] * scale)), max(1, round(colours.shape[0] * scale)))
    panel = Image.new("RGB", (_PANEL_PX, _PANEL_PX))
    shown = Image.fromarray(colours).resize(size, Image.Resampling.BILINEAR)
    panel.paste(shown, ((_PANEL_PX - size[0]) // 2, (_PANEL_PX - size[1]) // 2))
    return panel


def colour_overlap(
    grey: Float[np.ndarray, "rows columns"],
    label: Bool[np.ndarray, "rows columns"],
    predicted: Bool[np.ndarray, "rows columns"],
) -> UInt8[np.ndarray, "rows columns 3"]:
    """A grey slice in [0, 1] with the three kinds of pixels laid over it in colour."""
    picture = np.repeat(grey[..., None] * 255.0, 3, axis=2)
    kinds = ((predicted & ~label, _PREDICTED_ONLY), (label & ~predicted, _LABELLED_ONLY), (label & predicted, _BOTH))
    for pixels, colour in kinds:
        picture[pixels] = (1 - _OPACITY) * picture[pixels] + _OPACITY * np.asarray(colour, float)
    return np.rint(picture).astype(np.uint8)

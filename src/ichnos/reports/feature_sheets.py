"""What each feature of the phantoms does, in pictures: the same head without it and with it, side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image, ImageDraw
from scipy import ndimage

from ichnos.evaluation.evidence.worlds import group_features
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.tables import Table
from ichnos.phantoms import SUBTYPES, Phantom, PhantomSettings, make_phantom
from ichnos.phantoms.features import FEATURES, WIDE
from ichnos.runtime.files import replacing

SEEDS = (8_000_001, 8_000_002, 8_000_003)
"""Heads that are shown, one pair of tiles each."""

SHOWN_SUBTYPES = {
    "any-size": ("intraparenchymal",),
    "oedema": ("intraparenchymal",),
    "mass-effect": ("intraparenchymal", "subdural"),
    "fluid-levels": ("intraparenchymal",),
    "cast-ventricles": ("intraventricular",),
    "wide-sah": ("subarachnoid",),
    "thin-sdh": ("subdural",),
    "wide-edh": ("epidural",),
}
"""Bleeds of the heads that show a feature of pathology, where not any."""

WINDOWS_HU = {
    **dict.fromkeys(("scalp", "bright-bone-streaks", "defaced", "wide-geometry", "head-shape"), (-150.0, 250.0)),
    **dict.fromkeys(("table", "padding"), (-1100.0, 300.0)),
}
"""What is shown of features that are not seen best from 0 to 80 HU."""

_TILE_PX, _LABEL_PX = 112, 14
_OUTLINE, _TEXT = (255, 60, 60), (230, 230, 90)


def picture_features(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`parts.json` and `pictures/`: for each group of features a table and a sheet.

    Args:
        own: folder of the stage.
        needs: of none.
        settings: `slices` and `size` of the phantoms, and `features` by group, so that new ones are drawn.
    """
    parts, side = [], {"slices": int(settings["slices"]), "size": int(settings["size"])}
    for group, names in settings["features"].items():
        rows = tuple((name, FEATURES[name], f"{WIDE.get(name, 0.0):g}") for name in names)
        table = Table(f"Features: {group}", ("feature", "what it adds", "odds in a scan"), rows)
        path = own / "pictures" / f"features-{group}.jpg"
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as temporary, temporary.open("wb") as stream:
            draw_feature_sheet(names, **side, bleeding=group == "pathology").save(stream, "JPEG", quality=82)
        caption = (
            "Each row a feature, three heads: without it, and with it alone, in the slice that it changes most. "
            "Blood is outlined in red."
        )
        parts.append(Part(group.capitalize(), (), (table,), ((path.name, caption),)))
    write_parts(parts, own)
    return {"features": sum(len(names) for names in settings["features"].values())}


def feature_settings() -> dict[str, list[str]]:
    """Features by group, as plain values; groups that are empty are left out."""
    return {group: list(names) for group, names in group_features().items() if names}


def draw_feature_sheet(names: Sequence[str], slices: int, size: int, *, bleeding: bool) -> Image.Image:
    """One row a feature; two tiles for each of `SEEDS`."""
    row_px = _TILE_PX + _LABEL_PX
    sheet = Image.new("RGB", (2 * len(SEEDS) * _TILE_PX, len(names) * row_px))
    pen = ImageDraw.Draw(sheet)
    for number, name in enumerate(names):
        pen.text((3, number * row_px + 1), f"{name}: without | with, three heads", fill=_TEXT)
        for column, seed in enumerate(SEEDS):
            for second, tile in enumerate(_draw_pair(name, seed, (slices, size), bleeding=bleeding)):
                sheet.paste(tile, ((2 * column + second) * _TILE_PX, number * row_px + _LABEL_PX))
    return sheet


def _draw_pair(name: str, seed: int, shape: tuple[int, int], *, bleeding: bool) -> tuple[Image.Image, Image.Image]:
    plain, changed = (_make(seed, shape, name, features, bleeding) for features in ({}, {name: 1.0}))
    window = WINDOWS_HU.get(name, (0.0, 80.0))
    first, second = _most_changed(plain, changed, window)
    return _draw(plain, first, window), _draw(changed, second, window)


def _make(seed: int, shape: tuple[int, int], name: str, features: Mapping[str, float], bleeding: bool) -> Phantom:
    slices, size = shape
    return make_phantom(
        seed,
        PhantomSettings(
            slices=slices,
            rows=size,
            columns=size,
            gap_mm=(5.0, 11.0),
            bleed_probability=float(bleeding),
            subtypes=SHOWN_SUBTYPES.get(name, SUBTYPES),
            distractors=False,
            features=features,
        ),
    )


def _most_changed(plain: Phantom, changed: Phantom, window: tuple[float, float]) -> tuple[int, int]:
    """The slice that differs most in the window; the middle ones where the grids differ."""
    one, other = plain.scan.voxels_hu, changed.scan.voxels_hu
    if one.shape != other.shape:
        return len(one) // 2, len(other) // 2
    seen = np.abs(np.clip(one, *window) - np.clip(other, *window)).mean(axis=(1, 2))
    seen *= plain.brain_mask.mean(axis=(1, 2)) > 0.03
    return int(seen.argmax()), int(seen.argmax())


def _draw(phantom: Phantom, z: int, window: tuple[float, float]) -> Image.Image:
    low_hu, high_hu = window
    grey = np.clip((phantom.scan.voxels_hu[z] - low_hu) / (high_hu - low_hu), 0.0, 1.0)
    size = (_TILE_PX, _TILE_PX)
    tile = Image.fromarray(_to_bytes(grey)).resize(size, Image.Resampling.BILINEAR).convert("RGB")
    blood = phantom.bleed_mask[z]
    if not blood.any():
        return tile
    enlarged = np.asarray(Image.fromarray(_to_bytes(blood)).resize(size, Image.Resampling.BILINEAR)) >= 128
    pixels = np.array(tile)
    pixels[ndimage.binary_dilation(enlarged) & ~enlarged] = _OUTLINE
    return Image.fromarray(pixels)


def _to_bytes(values: Float[np.ndarray, "rows columns"] | Bool[np.ndarray, "rows columns"]) -> np.ndarray:
    return np.asarray(values * 255.0, dtype=np.uint8)

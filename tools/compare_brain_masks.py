"""Hold the intracranial masks, classical and learned, against the truth of phantoms that neither has seen.

    python tools/compare_brain_masks.py docs/concepts/intracranial-mask-figures.inc docs/images --scan CT

writes a table of coverage and leak for each condition, and pictures. `--scan` adds what both say of a scan of your own,
of which only volumes and overlap can be told.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy import ndimage

from ichnos.phantoms import Phantom, PhantomSettings, make_phantom
from ichnos.phantoms.features import WIDE
from ichnos.preprocessing.brain_mask import BrainMask
from ichnos.scans import read_scan
from ichnos.scans.scan import Scan
from ichnos.segmentation.brain_masks import METHODS, mask_brain

FIRST_SEED = 3_000_000
"""Beyond those that the networks were trained on."""

EACH = 2
"""Phantoms of each condition."""

HEAD = {"slices": 12, "rows": 128, "columns": 128, "gap_mm": (10.0, 14.0), "bleed_probability": 0.8}
USUAL = {name: odds for name, odds in WIDE.items() if name not in {"exported", "wide-geometry", "motion"}}

CONDITIONS = {
    "no features": {},
    "all features": {"features": WIDE},
    "8-bit export": {"features": USUAL | {"exported": 1.0}},
    "skull opened": {"features": USUAL | {"operated": 1.0}},
    "streaks and bars": {"features": USUAL | {"bright-bone-streaks": 1.0}},
    "motion": {"features": USUAL | {"motion": 1.0}},
    "odd geometry": {"features": USUAL | {"wide-geometry": 1.0}},
    "slices of 2 mm": {"features": USUAL, "slices": 40, "gap_mm": (1.8, 2.2)},
    "tilt of 25 degrees": {"features": USUAL, "tilt_degrees": (25.0, 25.0)},
    "64 x 64 pixels": {"features": USUAL, "rows": 64, "columns": 64},
    "4 slices": {"features": USUAL, "slices": 4, "gap_mm": (15.0, 20.0)},
}
"""What differs from `HEAD`."""

BONE_HU = 255.0
RIM_MM = 2.0
"""Brain is what is less dense than bone and at least so deep within the cavity; without the rim of dura and skull."""

COLOURS = {"classical": "#ff5533", "learned": "#33bbff"}


def make_phantoms(condition: str) -> Iterator[Phantom]:
    """Phantoms of seeds that belong to the condition alone."""
    first = FIRST_SEED + 100 * list(CONDITIONS).index(condition)
    settings = PhantomSettings(**HEAD | CONDITIONS[condition])
    return (make_phantom(seed, settings) for seed in range(first, first + EACH))


def measure(found: np.ndarray, phantom: Phantom) -> tuple[float, float]:
    """Share of the brain that is covered; what lies outside the cavity, as a share of the cavity."""
    cavity, pixel_mm = phantom.brain_mask, phantom.scan.geometry.spacing_mm[1:]
    depth_mm = np.stack([ndimage.distance_transform_edt(each, sampling=pixel_mm) for each in cavity])
    brain = (depth_mm > max(RIM_MM, *pixel_mm)) & (phantom.scan.voxels_hu < BONE_HU)
    return float(found[brain].mean()), float((found & ~cavity).sum() / cavity.sum())


def compare(condition: str) -> tuple[str, dict[str, BrainMask], Scan]:
    """A row of the table; masks and scan of the first phantom."""
    figures: dict[str, list[tuple[float, float]]] = {how: [] for how in METHODS}
    shown: tuple[dict[str, BrainMask], Scan] | None = None
    for phantom in make_phantoms(condition):
        masks = {how: mask_brain(phantom.scan, how) for how in METHODS}
        shown = shown or (masks, phantom.scan)
        for how, mask in masks.items():
            figures[how].append(measure(mask.mask.voxels, phantom))
    cells = [condition]
    for each in figures.values():
        covered, outside = np.array(each).T
        cells.append(f"{covered.mean():.1%} ({covered.min():.1%}) | {outside.mean():.1%} ({outside.max():.1%})")
    assert shown is not None
    return f"| {' | '.join(cells)} |", *shown


def draw(rows: list[tuple[str, dict[str, BrainMask], Scan]], path: Path, columns: int = 6) -> None:
    """Slices from base to vertex, one scan a row."""
    figure = Figure(figsize=(2.0 * columns, 2.2 * len(rows)), facecolor="black")
    axes = figure.subplots(len(rows), columns, squeeze=False, gridspec_kw={"wspace": 0.02, "hspace": 0.12})
    for places, (title, masks, scan) in zip(axes, rows, strict=True):
        slices = np.linspace(0, len(scan.voxels_hu) - 1, columns + 2).round().astype(int)[1:-1]
        for place, z in zip(places, slices, strict=True):
            place.imshow(scan.voxels_hu[z], cmap="gray", vmin=-20, vmax=120)
            for how, colour in COLOURS.items():
                voxels = masks[how].mask.voxels[z]
                if voxels.any():
                    place.contour(voxels, levels=[0.5], colors=colour, linewidths=0.8)
            place.axis("off")
        places[0].set_title(title, color="white", fontsize=9, loc="left")
    figure.savefig(path, dpi=80, bbox_inches="tight", pil_kwargs={"quality": 80})


def tell_of(scan: Scan, images: Path) -> None:
    """What the masks of a real scan measure, and what its 8-bit export changes."""
    masks = {how: mask_brain(scan, how) for how in COLOURS}
    for how, mask in masks.items():
        again = mask_brain(Scan(np.clip(scan.voxels_hu, 0.0, 255.0), scan.geometry), how).mask.voxels
        changed = (again != mask.mask.voxels).sum() / mask.mask.voxels.sum()
        sys.stdout.write(f"{how}: {mask.mask.volume_ml:.0f} mL, {changed:.2%} other in 8 bits; {mask.doubts}\n")
    both = masks["classical"].mask.voxels & masks["learned"].mask.voxels
    sys.stdout.write(f"both: {scan.geometry.volume_ml(both):.0f} mL\n")
    draw([("a real scan", masks, scan)], images / "intracranial-masks-real.jpg", 8)


def main() -> None:
    """Write the table and the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--scan", type=Path)
    asked = parser.parse_args()
    lines = ["| phantoms | " + " | ".join(f"{how}: covered | outside" for how in METHODS) + " |", "|---" * 7 + "|"]
    shown = []
    for condition in CONDITIONS:
        line, masks, scan = compare(condition)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        lines.append(line)
        shown.append((condition, masks, scan))
    asked.table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw(shown[:6], asked.images / "intracranial-masks.jpg")
    if asked.scan:
        tell_of(read_scan(asked.scan), asked.images)


if __name__ == "__main__":
    main()

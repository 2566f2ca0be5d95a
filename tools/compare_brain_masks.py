"""Hold the intracranial masks, classical and learned, against the truth of phantoms that neither has seen.

    python tools/compare_brain_masks.py docs/concepts/intracranial-mask-figures.inc docs/images --scan CT

writes a table of coverage and leak for each condition, and pictures. `--scan` adds what both say of a scan of your own:
volumes, and in slices whose skull is a closed ring coverage and leak against its inner table, found by rays.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.path import Path as Polygon
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

RAYS, NEAREST_MM, FARTHEST_MM = 720, 10.0, 130.0
TABLE_HU, STEP_MM = 200.0, 0.25
SMOOTH_RAYS, OFF_MM, OFF_SHARE = 31, 4.0, 0.05
"""Of the rays of a closed ring, at most this share may be farther off than this from the median of their neighbours."""

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


def cast_rays(slice_hu: np.ndarray, pixel_mm: tuple[float, float]) -> np.ndarray | None:
    """What lies within the inner table: rays from the middle of all bone to the first; None unless that is a ring."""
    bone = ndimage.gaussian_filter(np.minimum(slice_hu, 300.0), 0.5) >= TABLE_HU
    if not bone.any():
        return None
    centre = np.array([(places.min() + places.max()) / 2 for places in np.nonzero(bone)])
    angles = np.linspace(0.0, 2.0 * np.pi, RAYS, endpoint=False)
    towards = np.stack([np.sin(angles), np.cos(angles)]) / np.array(pixel_mm)[:, None]
    steps_mm = np.arange(NEAREST_MM, FARTHEST_MM, STEP_MM)
    hits = ndimage.map_coordinates(bone, centre[:, None, None] + towards[..., None] * steps_mm, order=0)
    radii_mm = steps_mm[hits.argmax(axis=1)]
    off = np.abs(radii_mm - ndimage.median_filter(radii_mm, SMOOTH_RAYS, mode="wrap")) > OFF_MM
    if not hits.any(axis=1).all() or (radii_mm == NEAREST_MM).any() or off.mean() > OFF_SHARE:
        return None
    outline = (centre[:, None] + towards * radii_mm).T
    pixels = np.stack(np.indices(slice_hu.shape), axis=-1).reshape(-1, 2)
    return Polygon(outline).contains_points(pixels).reshape(slice_hu.shape)


def find_vault(scan: Scan) -> np.ndarray:
    """The cavity by rays, from the widest closed ring up and down as long as rings are closed; empty elsewhere."""
    pixel_mm = scan.geometry.spacing_mm[1:]
    rings = [cast_rays(each, pixel_mm) for each in scan.voxels_hu]
    vault = np.zeros(scan.voxels_hu.shape, bool)
    widest = max(range(len(rings)), key=lambda z: 0 if rings[z] is None else rings[z].sum())
    for way in (range(widest, len(rings)), range(widest - 1, -1, -1)):
        for z in way:
            if rings[z] is None:
                break
            vault[z] = rings[z]
    return vault


def measure_vault(found: np.ndarray, vault: np.ndarray, scan: Scan) -> tuple[float, float]:
    """Share of the brain that is covered, and what lies outside the inner table; both of slices of the vault."""
    shown = vault.any(axis=(1, 2))
    depth_mm = np.stack([ndimage.distance_transform_edt(each, sampling=scan.geometry.spacing_mm[1:]) for each in vault])
    brain = (depth_mm > RIM_MM) & (scan.voxels_hu < BONE_HU)
    return float(found[brain].mean()), float((found & ~vault)[shown].sum() / vault.sum())


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
    vault = find_vault(scan)
    if vault.any():
        for how, mask in masks.items():
            covered, outside = measure_vault(mask.mask.voxels, vault, scan)
            rings = int(vault.any(axis=(1, 2)).sum())
            sys.stdout.write(f"{how}: {rings} slices of the vault: covered {covered:.2%}, outside {outside:.2%}\n")
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

"""Bleeds painted into single slices of a real scan that shows none: real bone, noise and tissue, blood that we drew.

Between phantoms, which are drawn from skin to ventricles, and patients. Blood is drawn by other code than that of
the phantoms, and more simply. It tells where a model is weak on real images; it is no patient.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice

import numpy as np
from jaxtyping import Bool, Float, Int, Real
from scipy import ndimage

from ichnos.preprocessing.brain_mask import find_brain_mask
from ichnos.scans.scan import Scan, take_slice

SMALLEST_BRAIN_MM2 = 6_000.0
"""Slices that show less of the brain are not painted in."""

SMALLEST_BLEED_MM2 = 25.0
"""A bleed that came out smaller is drawn anew."""

FLUID_HU, WIDE_FLUID_HU = 16.0, 22.0
"""Lightly smoothed CSF lies below the first; the second takes in what shares a voxel with it."""

_BONE_BLUR_HU = 100.0
"""At the edge of the brain, what is denser is bone in part, and not painted on."""

_ATTEMPTS = 50
"""For one bleed."""


@dataclass(frozen=True)
class PaintedSlice:
    """A bleed in a slice.

    Attributes:
        subtype: of the bleed.
        z: of the slice in its scan.
        scan: that slice alone, with the bleed.
        bleed: where it is painted with half of its density or more.
    """

    subtype: str
    z: int
    scan: Scan
    bleed: Bool[np.ndarray, "1 rows columns"]


@dataclass(frozen=True)
class Canvas:
    """A slice to paint in.

    Attributes:
        brain: its intracranial mask, less the blurred edge of bone.
        depth_mm: distance of each pixel of it from its edge; 0 outside.
        smooth_hu: the slice without its noise.
        bumps: an uneven field of standard deviation 1, some 12 mm wide.
        pixel_mm: mean of both spacings.
    """

    brain: Bool[np.ndarray, "rows columns"]
    depth_mm: Float[np.ndarray, "rows columns"]
    smooth_hu: Float[np.ndarray, "rows columns"]
    bumps: Float[np.ndarray, "rows columns"]
    pixel_mm: float

    def offsets_mm(
        self, centre: Real[np.ndarray, "2"]
    ) -> tuple[Float[np.ndarray, "rows columns"], Float[np.ndarray, "rows columns"]]:
        """Rows and columns counted from a pixel."""
        rows, columns = np.indices(self.brain.shape)
        return (rows - centre[0]) * self.pixel_mm, (columns - centre[1]) * self.pixel_mm

    @property
    def centre(self) -> Float[np.ndarray, "2"]:
        """(row, column) of the middle of the brain."""
        return np.asarray(np.argwhere(self.brain).mean(axis=0))


Outline = Bool[np.ndarray, "rows columns"]
Draw = Callable[[Canvas, np.random.Generator], Outline]


def paint_slices(scan: Scan, count: int, seed: int) -> Iterator[PaintedSlice]:
    """Slices of a scan with a bleed in each, the five subtypes in turn; the same for the same seed.

    Args:
        scan: shows no blood.
        count: of slices; fewer where a subtype finds no place, such as blood in ventricles that are not there.
        seed: of everything drawn.
    """
    rng = np.random.default_rng(seed)
    brain = find_brain_mask(scan).mask.voxels
    shown = list_shown(scan, brain)
    for subtype in islice(cycle(DRAWN), count if len(shown) else 0):
        for _ in range(_ATTEMPTS):
            z = int(rng.choice(shown))
            canvas = _stretch(scan, brain[z], z, rng)
            bleed = DRAWN[subtype](canvas, rng) & canvas.brain
            if bleed.sum() * canvas.pixel_mm**2 >= SMALLEST_BLEED_MM2:
                one = take_slice(scan, z)
                voxels_hu = _paint(one.voxels_hu[0], bleed, canvas, rng)
                yield PaintedSlice(subtype, z, replace(one, voxels_hu=voxels_hu[None]), bleed[None])
                break


def list_shown(scan: Scan, brain: Bool[np.ndarray, "slices rows columns"]) -> Int[np.ndarray, " shown"]:
    """Slices that show enough brain to be painted in."""
    return np.flatnonzero(brain.sum(axis=(1, 2)) * scan.geometry.pixel_areas_mm2 >= SMALLEST_BRAIN_MM2)


def _stretch(scan: Scan, brain: Bool[np.ndarray, "rows columns"], z: int, rng: np.random.Generator) -> Canvas:
    pixel_mm = float(np.mean(scan.geometry.spacing_mm[1:]))
    bumps = ndimage.gaussian_filter(rng.standard_normal(brain.shape), 6.0 / pixel_mm)
    smooth_hu = ndimage.gaussian_filter(scan.voxels_hu[z], 1.0 / pixel_mm)
    soft = np.asarray(ndimage.binary_fill_holes(brain & (smooth_hu < _BONE_BLUR_HU))) & brain
    depth_mm = ndimage.distance_transform_edt(soft) * pixel_mm
    return Canvas(soft, depth_mm, smooth_hu, bumps / bumps.std(), pixel_mm)


def _paint(
    hu: Float[np.ndarray, "rows columns"],
    bleed: Bool[np.ndarray, "rows columns"],
    canvas: Canvas,
    rng: np.random.Generator,
) -> Float[np.ndarray, "rows columns"]:
    """Blood of 50 to 78 HU with a soft edge, uneven, under the noise of the slice itself; brain only."""
    share = ndimage.gaussian_filter(bleed.astype(np.float32), rng.uniform(0.3, 0.9) / canvas.pixel_mm)
    noise_hu = np.clip(hu - ndimage.gaussian_filter(hu, 1.4 / canvas.pixel_mm), -20.0, 20.0)
    blood_hu = rng.uniform(50.0, 78.0) + 3.0 * canvas.bumps + 0.7 * noise_hu
    return np.where(canvas.brain, hu + share * (blood_hu - hu), hu).astype(np.float32)


def _draw_parenchymal(canvas: Canvas, rng: np.random.Generator) -> Outline:
    """A bumpy ellipse of 4 to 28 mm radius, as deep as it fits."""
    radius_mm = np.exp(rng.uniform(np.log(4.0), np.log(28.0)))
    deep_mm = min(0.7 * radius_mm + 4.0, canvas.depth_mm.max() - 2.0)
    down_mm, across_mm = canvas.offsets_mm(rng.choice(np.argwhere(canvas.depth_mm >= deep_mm)))
    stretch = np.exp(rng.normal(0.0, 0.2))
    distance = np.hypot(down_mm / (radius_mm * stretch), across_mm * stretch / radius_mm)
    return np.asarray((distance + 0.2 * canvas.bumps < 1.0) & (canvas.depth_mm > 1.0))


def _draw_crescent(canvas: Canvas, rng: np.random.Generator) -> Outline:
    """A long layer, 3.5 to 16 mm thick, that thins out to both ends."""
    thickness_mm = np.exp(rng.uniform(np.log(3.5), np.log(16.0)))
    return _draw_layer(canvas, rng, 1.3 * thickness_mm, rng.uniform(0.6, 1.4), thickness_mm)


def _draw_lens(canvas: Canvas, rng: np.random.Generator) -> Outline:
    """A short lens, 8 to 28 mm thick."""
    thickness_mm = rng.uniform(8.0, 28.0)
    return _draw_layer(canvas, rng, thickness_mm, rng.uniform(0.25, 0.55), thickness_mm)


def _draw_layer(canvas: Canvas, rng: np.random.Generator, peak_mm: float, half_angle: float, most_mm: float) -> Outline:
    """Under the skull on both sides of some angle: `peak_mm` less a parabola, but `most_mm` at most."""
    down_mm, across_mm = canvas.offsets_mm(canvas.centre)
    around = np.arctan2(down_mm, across_mm) - rng.uniform(-np.pi, np.pi)
    away = np.abs((around + np.pi) % (2 * np.pi) - np.pi) / half_angle
    thickness_mm = np.clip(peak_mm * (1.0 - away**2), 0.0, most_mm)
    return np.asarray(canvas.brain & (canvas.depth_mm < thickness_mm * (1.0 + 0.12 * canvas.bumps)))


def _draw_ventricular(canvas: Canvas, rng: np.random.Generator) -> Outline:
    """What lies low in the largest deep body of fluid."""
    labels, count = ndimage.label((canvas.smooth_hu < FLUID_HU) & (canvas.depth_mm > 25.0))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    if sizes.max() * canvas.pixel_mm**2 < 80.0:
        return np.zeros_like(canvas.brain)
    fluid = labels == sizes.argmax()
    rows = np.indices(fluid.shape)[0]
    return np.asarray(
        ndimage.binary_dilation(fluid, iterations=2) & (rows > np.quantile(rows[fluid], rng.uniform(0.0, 0.8)))
    )


def _draw_subarachnoid(canvas: Canvas, rng: np.random.Generator) -> Outline:
    """Fluid near the surface, within 20 to 50 mm of some point of the brain."""
    fluid = (canvas.smooth_hu < WIDE_FLUID_HU) & (canvas.depth_mm > 1.5) & (canvas.depth_mm < 25.0)
    near = np.hypot(*canvas.offsets_mm(rng.choice(np.argwhere(canvas.brain)))) < rng.uniform(20.0, 50.0)
    return np.asarray(ndimage.binary_opening(ndimage.binary_dilation(fluid) & near & canvas.brain))


DRAWN: dict[str, Draw] = {
    "epidural": _draw_lens,
    "intraparenchymal": _draw_parenchymal,
    "intraventricular": _draw_ventricular,
    "subarachnoid": _draw_subarachnoid,
    "subdural": _draw_crescent,
}
"""How the outline of each subtype is drawn."""

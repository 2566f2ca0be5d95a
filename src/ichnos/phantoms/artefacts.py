"""Features `bright-bone-streaks`, `motion` and `defaced`: what goes wrong in the image before noise.

Streaks leave a source of density in pairs of bright and dark rays; bars of beam hardening lie
between two dense bones; rings are centred on the axis of rotation. All are painted, not projected.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from ichnos.phantoms.grid import Grid
from ichnos.phantoms.scanner import Volume

Image = Float[np.ndarray, "rows columns"]

BONE_HU = 700.0
"""Density from which bone is a source of streaks."""

METAL_HU = 3000.0
"""Density of clips, bullets and dental fillings, at the end of the scanner's scale."""

SPARED_MM = 12.0
"""How far around the cavity defacing changes nothing: about the thickness of the skull."""


def strike(rng: np.random.Generator, voxels_hu: Volume, grid: Grid) -> Volume:
    """Add streaks of bone or metal, cupping or capping, and rings.

    Args:
        rng: of the feature.
        voxels_hu: blurred slices.
        grid: where they lie.
    """
    image = voxels_hu.copy()
    tissue = image > -300.0
    kinds = rng.random(4) < (0.7, 0.3, 0.35, 0.15)
    if kinds[0] or not kinds.any():
        _bars(rng, image, tissue, grid)
    if kinds[1]:
        _metal(rng, image, tissue, grid)
    if kinds[2]:
        image += np.float32(rng.uniform(-8.0, 8.0)) * _bowl(image.shape[1:], 0.8) * tissue
    if kinds[3]:
        image += _rings(rng, image.shape[1:]) * tissue
    return image


def _bars(rng: np.random.Generator, image: Volume, tissue: Bool[np.ndarray, "z r c"], grid: Grid) -> None:
    """Dark and bright bands from side to side where bone lies on both sides, at the base."""
    strength, turn = float(rng.uniform(8.0, 35.0)), np.radians(float(rng.uniform(-8.0, 8.0)))
    width_px = float(rng.uniform(2.0, 6.0)) / grid.pixel_mm
    low = np.clip(-(grid.heights_mm + 8.0) / 25.0, 0.0, 1.0)
    _, rows, columns = image.shape
    tilted = np.arange(rows)[:, None] + np.tan(turn) * (np.arange(columns)[None, :] - columns / 2)
    place = np.clip(tilted.round().astype(int), 0, rows - 1)
    for z in np.flatnonzero(low):
        bone = (image[z] > BONE_HU).sum(axis=1).astype(np.float32)
        profile = ndimage.gaussian_filter1d(bone, width_px) - ndimage.gaussian_filter1d(bone, 3.0 * width_px)
        jagged = ndimage.gaussian_filter1d(rng.standard_normal(rows, dtype=np.float32), 0.4 * width_px + 0.5)
        profile = profile / (np.abs(profile).max() + 1e-6) + 0.8 * jagged
        image[z] -= np.float32(strength * low[z]) * profile[place] * tissue[z]


def _metal(rng: np.random.Generator, image: Volume, tissue: Bool[np.ndarray, "z r c"], grid: Grid) -> None:
    """A clip or bullet in the head, or fillings outside the image, with rays around it."""
    slices, rows, columns = image.shape
    dental = rng.random() < 0.5
    heights = grid.heights_mm
    height = -55.0 if dental else float(rng.uniform(heights.min(), heights.max()))
    reach_mm = float(rng.uniform(4.0, 15.0))
    row, column = (
        float(v) for v in (rng.uniform(0.05, 0.3) if dental else rng.uniform(0.2, 0.8), rng.uniform(0.3, 0.7))
    )
    strength = float(rng.uniform(30.0, 250.0))
    y = np.arange(rows, dtype=np.float32)[:, None] - np.float32(row * rows)
    x = np.arange(columns, dtype=np.float32)[None, :] - np.float32(column * columns)
    radius = np.hypot(x, y)
    angle = ((np.arctan2(y, x) / (2.0 * np.pi)) % 1.0 * 720).astype(int) % 720
    body = radius < float(rng.uniform(0.8, 3.0)) / grid.pixel_mm
    fade = np.float32(3.0) / (np.float32(3.0) + radius * np.float32(grid.pixel_mm / 5.0))
    for z in range(slices):
        share = float(np.exp(-(((heights[z] - height) / reach_mm) ** 2)))
        if share < 0.05:
            continue
        rays = ndimage.gaussian_filter1d(rng.standard_normal(720), float(rng.uniform(2.0, 6.0)), mode="wrap")
        rays = (rays / np.abs(rays).max()).astype(np.float32)
        image[z] += np.float32(strength * share) * rays[angle] * fade * (tissue[z] | (radius < 40.0))
        if share > 0.6 and not dental:
            image[z][body] = METAL_HU


def _bowl(shape: tuple[int, ...], reach: float) -> Image:
    y, x = np.linspace(-1.0, 1.0, shape[0])[:, None], np.linspace(-1.0, 1.0, shape[1])[None, :]
    return (0.5 - np.clip((x**2 + y**2) / reach**2, 0.0, 1.0)).astype(np.float32)


def _rings(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    """Concentric rings of a few HU, strongest in the middle of the image."""
    radius = np.hypot(*np.ogrid[-shape[0] / 2 : shape[0] / 2, -shape[1] / 2 : shape[1] / 2])
    profile = rng.standard_normal(int(max(shape)) + 1) * (rng.random(int(max(shape)) + 1) < 0.15)
    rings = profile[radius.astype(int)] * float(rng.uniform(3.0, 15.0)) / np.sqrt(1.0 + radius / 8.0)
    return np.asarray(rings, np.float32)


@dataclass(frozen=True)
class Motion:
    """How a head moved while some slices were taken.

    Attributes:
        slices: which.
        shifts_px: rows and columns of the ghost, for each of them.
        degrees: turn of the ghost about the middle of the image.
        share: of the ghost in the image.
    """

    slices: tuple[int, ...]
    shifts_px: tuple[tuple[float, float], ...]
    degrees: float
    share: float


def draw_motion(rng: np.random.Generator, grid: Grid) -> Motion:
    """Draw motion over a run of neighbouring slices, by a few mm."""
    count = grid.geometry.shape[0]
    length = int(rng.integers(1, max(2, count // 2)))
    first = int(rng.integers(0, count))
    slices = tuple(range(first, min(first + length, count)))
    way_mm = rng.normal(0.0, float(rng.uniform(1.0, 4.0)), 2)
    shifts = (way_mm * rng.uniform(0.3, 1.0) / grid.pixel_mm for _ in slices)
    return Motion(
        slices=slices,
        shifts_px=tuple((float(down), float(across)) for down, across in shifts),
        degrees=float(rng.normal(0.0, 2.5)),
        share=float(rng.uniform(0.15, 0.5)),
    )


def move(motion: Motion, voxels_hu: Volume) -> Volume:
    """Add the ghosts. Where the head was still for most of the time, the masks stay right."""
    image = voxels_hu.copy()
    angle = np.radians(motion.degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (np.array(image.shape[1:]) - 1.0) / 2.0
    for z, shift in zip(motion.slices, motion.shifts_px, strict=True):
        offset = middle - turn @ (middle + np.array(shift))
        ghost = ndimage.affine_transform(image[z], turn, offset, order=1, mode="nearest")
        image[z] += np.float32(motion.share) * (ghost - image[z])
    return image


def deface(rng: np.random.Generator, voxels_hu: Volume, grid: Grid, cavity: Volume) -> Volume:
    """Blur, cut off or blacken the face, as public sets do; nothing in or near the cavity is touched.

    Args:
        rng: of the feature.
        voxels_hu: slices.
        grid: where they lie.
        cavity: share of each voxel that lies inside the inner table.
    """
    kind = rng.random()
    lowest, front = float(rng.uniform(-25.0, 0.0)), float(rng.uniform(45.0, 70.0))
    points = grid.voxel_points()
    ahead = points.y + np.float32(0.8) * np.maximum(np.float32(lowest) - points.z, 0.0)
    face = (ahead > front) & (points.z < lowest + 5.0)
    near = 2 * round(SPARED_MM / grid.pixel_mm) + 1
    face &= ndimage.maximum_filter(cavity, (1, near, near)) <= 0.01
    if kind < 0.5:
        size = float(rng.uniform(3.0, 9.0))
        blurred = ndimage.gaussian_filter(voxels_hu, (0.0, size, size), truncate=2.0)
        return np.where(face, blurred, voxels_hu)
    value = -1000.0 if kind < 0.8 else 0.0
    return np.where(face, np.float32(value), voxels_hu)

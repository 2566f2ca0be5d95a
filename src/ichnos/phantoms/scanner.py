"""The virtual scanner: table, drift, blur, streaks, motion, noise, calibration and padding."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from ichnos.phantoms.fields import Field, Noise, Points, bump, step
from ichnos.phantoms.grid import Grid
from ichnos.phantoms.head import petrous_ridge
from ichnos.phantoms.settings import PhantomSettings
from ichnos.phantoms.tissue import Image, Radiodensity
from ichnos.scans.scan import AIR_HU

HIGHEST_HU = 3071.0
"""Largest value of a 12-bit CT scanner."""

Volume = Float[np.ndarray, "slices rows columns"]


@dataclass(frozen=True)
class Scanner:
    """How a scan was taken.

    Attributes:
        blur_mm: standard deviation of the in-plane blur.
        noise_hu: standard deviation of the noise at mid-head; more at the base, less at the top.
        noise_mm: grain of the noise.
        gain, offset_hu: calibration.
        drift_hu: size of the slow drift in the image.
        band_hu: depth of the dark band between the petrous bones.
        rest_hu, rest_mm: density and size of the head-rest; none if `rest_mm` is 0.
        padded: whether the scanner pads outside its circle with `AIR_HU`.
        moved: slices with motion, and the shift in pixels.
        streaks: (slice, row, column, strength in HU) where streaks start.
        rays: the pattern of the streaks around the circle.
        drift: the pattern of the drift.
    """

    blur_mm: float
    noise_hu: float
    noise_mm: float
    gain: float
    offset_hu: float
    drift_hu: float
    band_hu: float
    rest_hu: float
    rest_mm: float
    padded: bool
    moved: tuple[tuple[int, float, float], ...]
    streaks: tuple[tuple[int, float, float, float], ...]
    rays: Float[np.ndarray, " angles"]
    drift: Noise


def draw_scanner(rng: np.random.Generator, settings: PhantomSettings) -> Scanner:
    """Draw a scanner and what went wrong with it."""
    slices = settings.slices
    moved = tuple((int(rng.integers(slices)), *_pair(rng.normal(0.0, 2.5, 2))) for _ in range(2))
    streaks = tuple(
        (int(rng.integers(slices)), *_pair(rng.uniform(0.2, 0.8, 2)), float(rng.uniform(10.0, 45.0))) for _ in range(2)
    )
    has_motion, has_streaks = rng.random() < 0.12, rng.random() < 0.2
    return Scanner(
        blur_mm=float(rng.uniform(*settings.blur_mm)),
        noise_hu=float(rng.uniform(*settings.noise_hu)),
        noise_mm=float(rng.uniform(0.25, 0.7)),
        gain=float(rng.normal(1.0, 0.015)),
        offset_hu=float(rng.normal(0.0, 2.0)),
        drift_hu=float(rng.uniform(0.0, 2.5)),
        band_hu=float(rng.uniform(0.0, 16.0)),
        rest_hu=float(rng.uniform(-250.0, 150.0)),
        rest_mm=float(rng.uniform(88.0, 115.0)) * float(rng.random() < 0.7),
        padded=bool(rng.random() < 0.3),
        moved=moved if has_motion and settings.distractors else (),
        streaks=streaks if has_streaks and settings.distractors else (),
        rays=_draw_rays(rng),
        drift=Noise.draw(rng, 60.0, 16),
    )


def _pair(values: Float[np.ndarray, "2"]) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def draw_background(scanner: Scanner, grid: Grid) -> Image:
    """Air with the shell of a head-rest, in HU."""
    _, rows, columns = grid.geometry.shape
    image = np.full((rows, columns), -1000.0, np.float32)
    if not scanner.rest_mm:
        return image
    y = ((np.arange(rows) - rows / 2) * grid.pixel_mm)[:, None]
    x = ((np.arange(columns) - columns / 2) * grid.pixel_mm)[None, :]
    shell = np.sqrt((x / scanner.rest_mm) ** 2 + ((y - 8.0) / (scanner.rest_mm + 20.0)) ** 2) - 1.0
    shell = np.abs(shell * scanner.rest_mm) - 1.5
    share = np.clip(0.5 - shell / grid.pixel_mm, 0.0, 1.0) * np.clip(0.5 + (y + 10.0) / grid.pixel_mm, 0.0, 1.0)
    return (image + share * (scanner.rest_hu + 1000.0)).astype(np.float32)


def drift_field(scanner: Scanner, hu: Radiodensity, points: Points, cavity: Field) -> Field:
    """Slow errors inside the skull, in HU: cupping, rise at the vertex, petrous band, drift."""
    x = np.abs(points.x)
    near = np.exp(np.clip(cavity, -200.0, 0.0) * np.float32(1.0 / hu.cup_mm))
    vertex = step(points.z - 62.0, 26.0)
    band = bump(points.z + 38.0, 9.0) * bump(points.y - petrous_ridge(x) + 3.0, 9.0) * bump(x, 38.0)
    drift = hu.cup * near + hu.vertex * vertex - scanner.band_hu * band
    return drift + scanner.drift_hu * scanner.drift.at(points)


def take_scan(scanner: Scanner, voxels_hu: Volume, grid: Grid, rng: np.random.Generator) -> Volume:
    """Blur, streaks, motion, noise, calibration, padding; rounded to whole HU.

    Args:
        scanner: how.
        voxels_hu: painted slices.
        grid: where they were taken; the base of the head is noisier than the vertex.
        rng: for the noise alone.
    """
    sigma = (0.0, scanner.blur_mm / grid.pixel_mm, scanner.blur_mm / grid.pixel_mm)
    image = ndimage.gaussian_filter(voxels_hu, sigma, truncate=3.0)
    for z, row, column in scanner.moved:
        ghost = ndimage.shift(image[z], (row, column), order=1, mode="nearest")
        image[z] = 0.55 * image[z] + 0.45 * ghost
    for z, row, column, strength in scanner.streaks:
        image[z] += strength * _streaks(scanner, image[z], row, column)
    image = image * np.float32(scanner.gain) + np.float32(scanner.offset_hu)
    image += _noise(scanner, grid, rng)
    image = np.clip(np.round(image), AIR_HU, HIGHEST_HU)
    if scanner.padded:
        image[:, _outside_circle(*image.shape[1:])] = AIR_HU
    return image


def _noise(scanner: Scanner, grid: Grid, rng: np.random.Generator) -> Volume:
    noise = rng.standard_normal(grid.geometry.shape, dtype=np.float32)
    grain_px = scanner.noise_mm / grid.pixel_mm
    noise = ndimage.gaussian_filter(noise, (0.0, grain_px, grain_px), truncate=3.0)
    by_height = 1.0 + 0.35 * np.tanh(-(grid.heights_mm - 5.0) / 30.0)
    scale = scanner.noise_hu * by_height / (noise.std() + 1e-6)
    return noise * scale.astype(np.float32)[:, None, None]


def _draw_rays(rng: np.random.Generator) -> Float[np.ndarray, " angles"]:
    """Streaks in a few directions, none in most: mean 0, largest 1."""
    rays = rng.standard_normal(720, dtype=np.float32)
    rays = ndimage.gaussian_filter1d(rays, float(rng.uniform(1.0, 4.0)), mode="wrap")
    rays = rays**3
    return rays / np.abs(rays).max()


def _streaks(scanner: Scanner, image: Image, row: float, column: float) -> Image:
    rows, columns = image.shape
    y = np.arange(rows, dtype=np.float32)[:, None] - np.float32(row * rows)
    x = np.arange(columns, dtype=np.float32)[None, :] - np.float32(column * columns)
    turn = ((np.arctan2(y, x) / (2.0 * np.pi)) % 1.0 * len(scanner.rays)).astype(int)
    rays = scanner.rays[turn % len(scanner.rays)] * np.exp(-np.hypot(x, y) * np.float32(2.5 / columns))
    return rays * (image > -500.0)


def _outside_circle(rows: int, columns: int) -> np.ndarray:
    y = (np.arange(rows)[:, None] - (rows - 1) / 2) / (rows / 2)
    x = (np.arange(columns)[None, :] - (columns - 1) / 2) / (columns / 2)
    return np.asarray(x**2 + y**2 > 1.0)

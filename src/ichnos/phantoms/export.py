"""Features `shifted-hu`, `padding` and `exported`: what happens to numbers between scanner and reader."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import fft, ndimage

from ichnos.phantoms.scanner import HIGHEST_HU, Volume
from ichnos.scans.scan import AIR_HU

PADS_HU = (AIR_HU, -2000.0, -3024.0, 0.0)
"""Values that scanners and converters write outside the circle of reconstruction."""

WINDOWS_HU = ((0.0, 255.0),)
"""Ranges of HU that an export keeps: that of public 8-bit slices. Narrower ones make bone as dense as blood."""

BLOCK = 8
"""Edge in pixels of the blocks of a JPEG-like compression."""

Image = Float[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class Export:
    """How a scan was exported to pictures of 8 bits.

    Attributes:
        window_hu: lowest and highest HU that are kept.
        levels: grey levels between them.
        shrink: factor by which the images were made smaller before they were enlarged again; 1 is none.
        loss: step in grey levels to which compression rounds; 0 is none.
    """

    window_hu: tuple[float, float]
    levels: int
    shrink: float
    loss: float


def draw_export(rng: np.random.Generator) -> Export:
    """Draw an export; about half lose nothing but the values outside the window."""
    chances = rng.random(3)
    return Export(
        window_hu=WINDOWS_HU[int(rng.integers(len(WINDOWS_HU)))],
        levels=int(rng.choice((64, 128))) if chances[0] < 0.15 else 256,
        shrink=float(rng.uniform(0.4, 0.85)) if chances[1] < 0.3 else 1.0,
        loss=float(rng.uniform(2.0, 9.0)) if chances[2] < 0.25 else 0.0,
    )


def export(made: Export, voxels_hu: Volume) -> Volume:
    """Clip to the window, resize, compress and count in levels; whole HU come back."""
    low, high = made.window_hu
    image = np.clip(voxels_hu, low, high)
    if made.shrink < 1.0:
        image = np.stack([_resized(plane, made.shrink) for plane in image])
    grey = (image - low) * np.float32((made.levels - 1) / (high - low))
    if made.loss:
        grey = _compressed(grey, made.loss * made.levels / 256)
    grey = np.clip(np.round(grey), 0, made.levels - 1)
    return np.round(grey * np.float32((high - low) / (made.levels - 1)) + np.float32(low))


def _resized(image: Image, shrink: float) -> Image:
    small = ndimage.zoom(image, shrink, order=1, grid_mode=True, mode="nearest")
    factors = [wide / narrow for wide, narrow in zip(image.shape, small.shape, strict=True)]
    large: Image = ndimage.zoom(small, factors, order=1, grid_mode=True, mode="nearest")
    return large


def _compressed(grey: Volume, step: float) -> Volume:
    """Round the cosine coefficients of blocks, coarser for finer detail, as JPEG does."""
    slices, rows, columns = grey.shape
    pads = ((0, 0), (0, -rows % BLOCK), (0, -columns % BLOCK))
    padded = np.pad(grey, pads, mode="edge")
    blocks = padded.reshape(slices, padded.shape[1] // BLOCK, BLOCK, padded.shape[2] // BLOCK, BLOCK)
    order = np.arange(BLOCK, dtype=np.float32)
    steps = np.float32(step) * (1.0 + 0.5 * (order[:, None, None] + order[None, None, :]))
    waves = fft.dctn(blocks, axes=(2, 4), norm="ortho")
    rounded = fft.idctn(np.round(waves / steps) * steps, axes=(2, 4), norm="ortho")
    return np.asarray(rounded.reshape(padded.shape)[:, :rows, :columns], np.float32)


def shift_hu(rng: np.random.Generator, voxels_hu: Volume) -> Volume:
    """A scanner out of calibration: up to 8 HU off, gain 0.95 to 1.05 about water."""
    offset, gain = np.float32(rng.uniform(-8.0, 8.0)), np.float32(rng.uniform(0.95, 1.05))
    shifted = voxels_hu * gain + offset
    return np.clip(np.round(shifted), AIR_HU, HIGHEST_HU)


def pad(rng: np.random.Generator, voxels_hu: Volume) -> Volume:
    """Write one value outside a circle that touches the image, or is cut by it."""
    value = np.float32(PADS_HU[int(rng.integers(len(PADS_HU)))])
    radius = float(rng.uniform(0.97, 1.1))
    _, rows, columns = voxels_hu.shape
    y = np.linspace(-1.0, 1.0, rows)[:, None]
    x = np.linspace(-1.0, 1.0, columns)[None, :]
    return np.where(x**2 + y**2 > radius**2, value, voxels_hu)

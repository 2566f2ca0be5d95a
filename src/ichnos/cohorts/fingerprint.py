"""What a slice looks like, in 128 bits that survive windowing, resizing, small crops and JPEG.

The slice in a brain window is brought to a frame of its own (centre and extent of what is not dark)
and to 32 x 32 pixels; the signs of its cosine transform's lower frequencies
are the fingerprint (a perceptual hash; Zauner 2010). Two fingerprints differ in about 64 bits where
the slices have nothing to do with each other.
"""

from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt64
from scipy import fft

BITS = 128

_WINDOW_HU = (0.0, 80.0)
_DARK = 0.125
"""Of the window: air, fat and CSF lie below, so that all windows of the brain frame a slice alike."""

_REACH = 1.6
"""The frame reaches this many standard deviations of what is not dark to each side of its centre."""

_LEAST_PIXELS = 0.02
"""A slice less of which is not dark has nothing to see."""

_SIDE = 32
_LOWEST, _FREQUENCIES = 3, 16
"""Sums of row and column frequency that are used: lower ones tell that it is a head, higher ones are noise."""


def take_fingerprints(slices_hu: Float[np.ndarray, "slices rows columns"]) -> UInt64[np.ndarray, "slices 2"]:
    """A fingerprint for each slice; zero where there is nothing to see.

    Args:
        slices_hu: of any size and pixel shape.
    """
    low_hu, high_hu = _WINDOW_HU
    taken = np.zeros((len(slices_hu), BITS // 64), np.uint64)
    for z, slice_hu in enumerate(slices_hu):
        grey = np.clip((slice_hu - low_hu) / (high_hu - low_hu), 0.0, 1.0).astype(np.float32)
        bright = grey > _DARK
        if np.count_nonzero(bright) >= _LEAST_PIXELS * bright.size:
            taken[z] = _hash(_framed(grey, bright))
    return taken


def count_differing(
    first: UInt64[np.ndarray, "first 2"], second: UInt64[np.ndarray, "second 2"]
) -> Int[np.ndarray, "first second"]:
    """In how many bits each pair differs."""
    return np.bitwise_count(first[:, None] ^ second[None]).sum(axis=2, dtype=np.int16)


def mirror(fingerprints: UInt64[np.ndarray, "slices 2"]) -> UInt64[np.ndarray, "slices 2"]:
    """Those of the slices with left and right exchanged: odd frequencies along columns change sign."""
    _, columns = _chosen_frequencies()
    is_empty = (fingerprints == 0).all(axis=1, keepdims=True)
    return np.where(is_empty, fingerprints, fingerprints ^ _pack(columns % 2 == 1))


def _pack(bits: Bool[np.ndarray, " bits"]) -> UInt64[np.ndarray, " words"]:
    return np.packbits(bits, bitorder="little").view("<u8").astype(np.uint64)


def _framed(grey: Float32[np.ndarray, "rows columns"], bright: Bool[np.ndarray, "rows columns"]) -> np.ndarray:
    """The slice in its own frame, 32 x 32, each pixel a mean."""
    rows = _frame_axis(bright.sum(axis=1).astype(np.float64))
    columns = _frame_axis(bright.sum(axis=0).astype(np.float64))
    return rows @ grey @ columns.T


def _frame_axis(profile: Float[np.ndarray, " length"]) -> Float32[np.ndarray, "side length"]:
    """Weights that average the pixels under each of the frame's, along one axis."""
    places = np.arange(len(profile))
    centre = float(places @ profile / profile.sum())
    spread = float(np.sqrt(np.maximum((places - centre) ** 2 @ profile / profile.sum(), 1.0)))
    step = 2 * _REACH * spread / _SIDE
    centres = centre + step * (np.arange(_SIDE) - (_SIDE - 1) / 2)
    reach = max(1.0, step)
    weights = np.clip(1.0 - np.abs(places - centres[:, None]) / reach, 0.0, None)
    return (weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)).astype(np.float32)


def _hash(framed: np.ndarray) -> UInt64[np.ndarray, " words"]:
    rows, columns = _chosen_frequencies()
    chosen = fft.dctn(framed, norm="ortho")[rows, columns]
    return _pack(chosen > 0)


@cache
def _chosen_frequencies() -> tuple[np.ndarray, np.ndarray]:
    """The 128 lowest frequencies from `_LOWEST` on, by their sum, then by row."""
    rows, columns = np.indices((_FREQUENCIES, _FREQUENCIES)).reshape(2, -1)
    order = np.lexsort((rows, rows + columns))
    order = order[(rows + columns)[order] >= _LOWEST][:BITS]
    return rows[order], columns[order]

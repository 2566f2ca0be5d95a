"""Feature `table`: what lies around the head: table, head-holder, blanket, wires and tubes."""

import numpy as np
from jaxtyping import Float

from ichnos.phantoms.grid import Grid

Image = Float[np.ndarray, "rows columns"]


def furnish(rng: np.random.Generator, background: Image, grid: Grid) -> Image:
    """Draw things into the air around the head; the head is painted over them.

    Args:
        rng: of the feature.
        background: air in HU.
        grid: for the size of pixels.
    """
    rows, columns = background.shape
    y = ((np.arange(rows, dtype=np.float32) - rows / 2) * grid.pixel_mm)[:, None]
    x = ((np.arange(columns, dtype=np.float32) - columns / 2) * grid.pixel_mm)[None, :]
    image = background.copy()
    kinds = rng.random(5) < (0.6, 0.5, 0.4, 0.4, 0.3)
    painters = (_slab, _holder, _blanket, _wires, _tube)
    for painter, there in zip(painters, kinds, strict=True):
        if there:
            distance_mm, hu = painter(rng, y, x)
            share = np.clip(0.5 - distance_mm / grid.pixel_mm, 0.0, 1.0)
            image += (share * (np.float32(hu) - image)).astype(np.float32)
    return image


Piece = tuple[Float[np.ndarray, "rows columns"], float]


def _slab(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> Piece:
    """The shell of a table, flat or bowed."""
    bow, at = float(rng.uniform(0.0, 0.0012)), float(rng.uniform(98.0, 118.0))
    shell = np.abs(y - at + bow * x * x) - float(rng.uniform(0.8, 3.0))
    return shell, float(rng.uniform(-400.0, 250.0))


def _holder(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> Piece:
    """A cup of foam or carbon around the back of the head."""
    wide, long = float(rng.uniform(82.0, 110.0)), float(rng.uniform(100.0, 122.0))
    radius = np.hypot(x / wide, (y - 3.0) / long)
    shell = np.abs(radius - 1.0) * wide - float(rng.uniform(0.7, 5.0))
    return np.maximum(shell, float(rng.uniform(-20.0, 40.0)) - y), float(rng.uniform(-900.0, 200.0))


def _blanket(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> Piece:
    """Folds of cloth under and beside the head."""
    waves = 5.0 * np.sin(x / float(rng.uniform(6.0, 15.0)) + float(rng.uniform(0.0, 6.0)))
    fold = np.abs(y - float(rng.uniform(85.0, 105.0)) + waves) - float(rng.uniform(1.0, 6.0))
    return fold, float(rng.uniform(-900.0, -500.0))


def _wires(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> Piece:
    """Cross-sections of a few wires of an ECG or of electrodes."""
    places = rng.uniform(-1.0, 1.0, (int(rng.integers(2, 7)), 2)) * (105.0, 118.0)
    across = np.min([np.hypot(y - row, x - column) for column, row in places], axis=0)
    return across - float(rng.uniform(0.5, 1.5)), float(rng.uniform(500.0, 3000.0))


def _tube(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> Piece:
    """A hollow tube, cut across."""
    row, column = float(rng.uniform(-110.0, 110.0)), float(rng.uniform(-105.0, 105.0))
    radius = float(rng.uniform(3.0, 7.0))
    return np.abs(np.hypot(y - row, x - column) - radius) - float(rng.uniform(0.5, 1.2)), float(
        rng.uniform(30.0, 200.0)
    )

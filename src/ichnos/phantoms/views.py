"""Feature `wide-geometry`: thin and thick slices, gaps, tilt, turned heads, zoom and partial coverage."""

from dataclasses import replace

import numpy as np

from ichnos.phantoms.features import Features
from ichnos.phantoms.grid import Grid, draw_grid
from ichnos.phantoms.settings import PhantomSettings

TOP_GAP_MM = 10.0
"""Largest distance between slices, and largest thickness."""


def draw_view(features: Features, rng: np.random.Generator, settings: PhantomSettings) -> Grid:
    """Draw the grid; with `wide-geometry` from wider ranges than the settings'.

    Tilt, field of view, rotation and the gap are drawn anew whatever the settings ask for; the
    numbers of slices, rows and columns are kept. With many slices, small gaps cover the head only
    in part; with few, wide gaps do.

    Args:
        features: of the phantom.
        rng: for the pose of the first version.
        settings: of the phantom.
    """
    if "wide-geometry" not in features:
        return draw_grid(rng, settings)
    stream = features.stream("wide-geometry")
    grid = draw_grid(rng, _widened(stream, settings))
    step_mm = grid.geometry.spacing_mm[0]
    share = float(stream.uniform(0.8, 1.3) if stream.random() < 0.75 else stream.uniform(0.25, 0.8))
    thickness_mm = min(step_mm * share, TOP_GAP_MM)
    count = settings.thickness_planes
    return replace(
        grid,
        shift_mm=grid.shift_mm + stream.normal(0.0, (7.0, 8.0, 5.0)) + _aside(stream),
        plane_offsets_mm=((np.arange(count) + 0.5) / count - 0.5) * thickness_mm,
        slab_mm=thickness_mm / count,
    )


def _widened(rng: np.random.Generator, settings: PhantomSettings) -> PhantomSettings:
    partial, zoom = rng.random(), rng.random()
    whole_mm = float(np.clip(150.0 / settings.slices, 0.6, TOP_GAP_MM))
    gap_mm = float(rng.uniform(0.6, TOP_GAP_MM)) if partial < 0.25 else whole_mm * float(rng.uniform(0.75, 1.15))
    view_mm = (180.0, 215.0) if zoom < 0.2 else (260.0, 320.0) if zoom < 0.5 else (205.0, 260.0)
    gap_mm = float(np.clip(gap_mm, 0.6, TOP_GAP_MM))
    return replace(
        settings,
        field_of_view_mm=view_mm,
        gap_mm=(gap_mm, gap_mm),
        tilt_degrees=(-10.0, 28.0),
        rotation_degrees=float(rng.uniform(6.0, 20.0)),
    )


def _aside(rng: np.random.Generator) -> np.ndarray:
    """Now and then a head far from the middle of the image."""
    far = rng.random() < 0.2
    return np.append(rng.uniform(-20.0, 20.0, 2), 0.0) * float(far)

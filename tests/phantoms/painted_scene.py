"""A small painted scene without blur and noise, for tests of single parts."""

import numpy as np

from ichnos.phantoms import phantom as front
from ichnos.phantoms.settings import PhantomSettings

SMALL = {"slices": 12, "rows": 72, "columns": 72, "gap_mm": (3.0, 11.0)}


def painted(monkeypatch, seed, **choices):
    """Grid, content and layers of `make_phantom`, and the phantom."""
    kept = {}
    paint = front.paint_slices

    def spy(grid, content):
        kept["grid"], kept["content"], kept["layers"] = grid, content, paint(grid, content)
        return kept["layers"]

    monkeypatch.setattr(front, "paint_slices", spy)
    phantom = front.make_phantom(seed, PhantomSettings(**(SMALL | choices)))
    return kept["grid"], kept["content"], kept["layers"], phantom


def plane_values(grid, content, name):
    """A field at full resolution in the middle of all planes of all slices."""
    from ichnos.phantoms.tissue import Plane

    blank = np.zeros(grid.geometry.shape[1:], np.float32)
    volume = np.full((*grid.geometry.shape, grid.planes), 99.0, np.float32)
    for index in range(grid.geometry.shape[0] * grid.planes):
        plane = Plane(grid, content.fields, index, blank)
        z, layer = divmod(index, grid.planes)
        volume[z][(*plane.window, layer)] = plane[name]
    return volume.mean(axis=-1)

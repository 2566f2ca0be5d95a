"""Asks a head where its inner table is, so that bleeds can be placed against it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ichnos.phantoms.fields import Field, Points

Place = tuple[float, float, float]
"""A position in mm in the head frame."""


@dataclass(frozen=True)
class Probe:
    """A head's cavity as a function, and the heights that the scan covers.

    Attributes:
        cavity: signed distance to the inner table.
        lowest_mm: lowest height in the head frame that the scan covers.
        highest_mm: highest height.
    """

    cavity: Callable[[Points], Field]
    lowest_mm: float
    highest_mm: float

    def sees(self, height_mm: float) -> bool:
        """Whether the scan covers a height."""
        return self.lowest_mm < height_mm < self.highest_mm

    def clip_height(self, height_mm: float) -> float:
        """The nearest height that the scan covers, with a margin of 6 mm if there is room."""
        margin = min(6.0, 0.3 * (self.highest_mm - self.lowest_mm))
        return float(np.clip(height_mm, self.lowest_mm + margin, self.highest_mm - margin))

    def on_table(self, angle_degrees: float, height_mm: float, side: float) -> Place:
        """The point of the inner table seen from the middle at an angle and height.

        Args:
            angle_degrees: 0 to the side, 90 to the front, -90 to the back.
            height_mm: in the head frame; moved into the scan.
            side: 1 right, -1 left.
        """
        height = self.clip_height(height_mm)
        angle = np.radians(angle_degrees)
        reach = np.arange(0.0, 110.0, 0.5)
        x, y = side * np.cos(angle) * reach, np.sin(angle) * reach - 5.0
        inside = self._at(x, y, np.full_like(x, height)) < 0
        last = int(np.nonzero(inside)[0].max()) if inside.any() else 0
        return float(x[last]), float(y[last]), height

    def inward(self, place: Place) -> Place:
        """Unit vector from the inner table into the cavity."""
        steps = np.eye(3) * 1.5
        around = np.concatenate([place + steps, place - steps])
        values = self._at(*around.T)
        slope = values[3:] - values[:3]
        slope = slope / (np.linalg.norm(slope) + 1e-6)
        return float(slope[0]), float(slope[1]), float(slope[2])

    def into_brain(self, place: Place, depth_mm: float) -> Place:
        """Move a place into the scan's heights and towards the centre until deep enough."""
        middle = np.array([0.0, -10.0, self.clip_height(5.0)])
        start = np.array([place[0], place[1], self.clip_height(place[2])])
        way = start + np.linspace(0.0, 1.0, 40)[:, None] * (middle - start)
        deep = self._at(*way.T) < -depth_mm
        x, y, z = way[int(np.argmax(deep))]
        return float(x), float(y), float(z)

    def _at(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        return self.cavity(Points(*(v.astype(np.float32)[None, None] for v in (x, y, z))))[0, 0]

"""Smooth functions of space: noise, distances to shapes, soft steps.

Positions are in mm in the frame of the head (see `head`). Distances are signed, in mm, negative
inside, and exact only near the surface.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import ndimage

Field = Float[np.ndarray, "planes nodes_down nodes_across"]
"""One number at each node of the lattices of all planes; see `grid`."""


class Points(NamedTuple):
    """Positions in mm in the head frame: x right, y front, z up."""

    x: Field
    y: Field
    z: Field


@dataclass(frozen=True)
class Noise:
    """Periodic smooth noise of mean 0 and standard deviation 1.

    Attributes:
        table: values on a periodic grid.
        step_mm: distance between the values of the table.
    """

    table: Float[np.ndarray, "n n n"]
    step_mm: float

    @classmethod
    def draw(cls, rng: np.random.Generator, length_mm: float, size: int = 24) -> "Noise":
        """Draw noise whose bumps are about `length_mm` wide."""
        table = rng.standard_normal((size, size, size), dtype=np.float32)
        table = ndimage.gaussian_filter(table, 1.0, mode="wrap", truncate=3.0)
        return cls(table=table / table.std(), step_mm=length_mm / 2.5)

    def at(self, points: Points) -> Field:
        """Value at each point."""
        places = np.stack(points) * np.float32(1.0 / self.step_mm)
        return ndimage.map_coordinates(
            self.table, places, output=np.float32, order=1, mode="grid-wrap", prefilter=False
        )


def step(field: Field, width: float) -> Field:
    """0 where `field` is far below 0, 1 far above, a smooth cubic over about ±`width`."""
    t = np.clip(field * np.float32(0.5 / width) + np.float32(0.5), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def bump(distance: Field, width: float) -> Field:
    """1 where `distance` is 0, falling to 0 as a Gaussian of standard deviation `width`."""
    scaled = distance * np.float32(1.0 / width)
    return np.exp(np.float32(-0.5) * scaled * scaled)


def smooth_max(a: Field, b: Field, width: float) -> Field:
    """Maximum of two distances with the edge between them rounded over `width` mm."""
    blend = np.clip(0.5 + (a - b) * np.float32(0.5 / width), 0.0, 1.0)
    return b + (a - b) * blend + np.float32(width) * blend * (1.0 - blend)


def ellipsoid(points: Points, centre: tuple[float, float, float], axes: tuple[float, float, float]) -> Field:
    """Signed distance to an ellipsoid, to first order near its surface.

    Args:
        points: where.
        centre: in mm.
        axes: half-lengths along x, y and z, in mm.
    """
    x = (points.x - np.float32(centre[0])) / np.float32(axes[0])
    y = (points.y - np.float32(centre[1])) / np.float32(axes[1])
    z = (points.z - np.float32(centre[2])) / np.float32(axes[2])
    radius = np.sqrt(x * x + y * y + z * z) + np.float32(1e-6)
    x, y, z = x / np.float32(axes[0]), y / np.float32(axes[1]), z / np.float32(axes[2])
    slope = np.sqrt(x * x + y * y + z * z) / radius + np.float32(1e-6)
    return (radius - 1.0) / slope


def capsule(
    points: Points, start: tuple[float, float, float], end: tuple[float, float, float], radii: tuple[float, float]
) -> Field:
    """Signed distance to a rod whose radius changes linearly from `start` to `end`."""
    axis = np.subtract(end, start)
    x, y, z = (p - np.float32(s) for p, s in zip(points, start, strict=True))
    along = (x * np.float32(axis[0]) + y * np.float32(axis[1]) + z * np.float32(axis[2])) / np.float32(axis @ axis)
    along = np.clip(along, 0.0, 1.0)
    x, y, z = (p - along * np.float32(a) for p, a in zip((x, y, z), axis, strict=True))
    radius = np.float32(radii[0]) + along * np.float32(radii[1] - radii[0])
    return np.sqrt(x * x + y * y + z * z) - radius


def rod(points: Points, nodes: tuple[tuple[float, float, float, float], ...]) -> Field:
    """Signed distance to a bent rod through `nodes` of (x, y, z, radius)."""
    distance = capsule(points, nodes[0][:3], nodes[1][:3], (nodes[0][3], nodes[1][3]))
    for first, second in pairwise(nodes[1:]):
        distance = np.minimum(distance, capsule(points, first[:3], second[:3], (first[3], second[3])))
    return distance


def folded(points: Points) -> Points:
    """Both sides of the head laid on the right one: x becomes |x|."""
    return Points(np.abs(points.x), points.y, points.z)


def scaled(vectors: Points, factor: float) -> Points:
    """Vectors times a number."""
    return Points(*(v * np.float32(factor) for v in vectors))


def moved(points: Points, by: Points) -> Points:
    """Points shifted by a vector field in mm."""
    return Points(points.x + by.x, points.y + by.y, points.z + by.z)


def ball(points: Points, centre: tuple[float, float, float], radius: float) -> Field:
    """Distance to a small ball as a quadratic, which coarse lattices carry without loss."""
    squared = sum((p - np.float32(c)) ** 2 for p, c in zip(points, centre, strict=True))
    return np.asarray((squared - np.float32(radius**2)) * np.float32(0.5 / radius))

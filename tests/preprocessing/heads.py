"""A head that can be computed by hand: a ball of brain in a shell of bone in a shell of skin."""

import numpy as np

from ichnos.scans.geometry import Geometry
from ichnos.scans.scan import AIR_HU, Scan

BRAIN_RADIUS_MM = 65.0


def canonical_geometry(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> Geometry:
    """Upright, centred on the world's origin."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = spacing_mm[0], -spacing_mm[1], -spacing_mm[2]
    affine[3, 3] = 1.0
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Geometry.from_affine(affine, shape)


def ball_head(
    shape: tuple[int, int, int] = (30, 128, 128),
    spacing_mm: tuple[float, float, float] = (5.0, 1.6, 1.6),
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Scan:
    geometry = canonical_geometry(shape, spacing_mm)
    grid = np.indices(shape).reshape(3, -1)
    distance_mm = np.linalg.norm(geometry.points_mm(*grid) - centre_mm, axis=1).reshape(shape)
    hu = np.full(shape, AIR_HU, dtype=np.float32)
    hu[distance_mm < BRAIN_RADIUS_MM + 14] = 40.0
    hu[distance_mm < BRAIN_RADIUS_MM + 8] = 1200.0
    hu[distance_mm < BRAIN_RADIUS_MM] = 32.0
    return Scan(hu, geometry)

"""Where the scanner looks: pose of the head, slice positions, and the coarse lattice.

Anatomy is made of functions that are smooth over a few mm, so they are evaluated on a coarse
in-plane lattice and brought to full resolution by cubic interpolation; edges are cut afterwards
at full resolution, where the interpolated function crosses zero.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float
from scipy import sparse

from ichnos.phantoms.fields import Points
from ichnos.phantoms.settings import PhantomSettings
from ichnos.scans.geometry import Geometry

LATTICE_MM = 4.0
"""Aimed-at distance between lattice nodes: a third of the width of a gyrus (typical)."""

HEAD_TOP_MM = 92.0
"""Height of the top of the scalp above the centre of the head frame."""


@dataclass(frozen=True)
class Grid:
    """A scan's geometry together with where the head lies in it.

    Attributes:
        geometry: of the scan, RAS+ mm.
        turn: rotation matrix from world to head axes.
        shift_mm: world position of the centre of the head frame.
        plane_offsets_mm: along the slice normal, the planes averaged for each slice.
        slab_mm: the slice thickness divided by the number of planes.
        stride: pixels per lattice step.
    """

    geometry: Geometry
    turn: Float[np.ndarray, "3 3"]
    shift_mm: Float[np.ndarray, "3"]
    plane_offsets_mm: Float[np.ndarray, " planes"]
    slab_mm: float
    stride: int

    @property
    def planes(self) -> int:
        """Planes per slice."""
        return len(self.plane_offsets_mm)

    @property
    def pixel_mm(self) -> float:
        """Pixel spacing."""
        return float(np.linalg.norm(self.geometry.row_steps_mm[0]))

    @property
    def heights_mm(self) -> Float[np.ndarray, " slices"]:
        """Height of the middle of each slice in the head frame."""
        geometry = self.geometry
        middle = geometry.row_steps_mm * geometry.rows / 2 + geometry.column_steps_mm * geometry.columns / 2
        heights: np.ndarray = ((geometry.origins_mm + middle - self.shift_mm) @ self.turn.T)[:, 2]
        return heights

    def lattice_points(self) -> Points:
        """Head-frame positions of the lattice nodes of all planes, slice by slice."""
        rows = np.arange(_nodes(self.geometry.rows, self.stride)) * self.stride
        columns = np.arange(_nodes(self.geometry.columns, self.stride)) * self.stride
        return self._points(rows - self.stride, columns - self.stride, self.plane_offsets_mm)

    def voxel_points(self) -> Points:
        """Head-frame positions of all voxel centres."""
        return self._points(np.arange(self.geometry.rows), np.arange(self.geometry.columns), np.zeros(1))

    def _points(
        self, rows: Float[np.ndarray, " r"] | np.ndarray, columns: np.ndarray, offsets_mm: np.ndarray
    ) -> Points:
        geometry = self.geometry
        origins = geometry.origins_mm[:, None] + offsets_mm[None, :, None] * geometry.normal
        origins = ((origins - self.shift_mm) @ self.turn.T).reshape(-1, 3).astype(np.float32)
        row_step = (self.turn @ geometry.row_steps_mm[0]).astype(np.float32)
        column_step = (self.turn @ geometry.column_steps_mm[0]).astype(np.float32)
        r, c = rows.astype(np.float32), columns.astype(np.float32)
        in_plane = [r[:, None] * row_step[i] + c[None, :] * column_step[i] for i in range(3)]
        return Points(*(origins[:, i, None, None] + in_plane[i] for i in range(3)))

    def enlarger(self, rows: slice, columns: slice) -> "Enlarger":
        """What brings lattice fields to the pixels of a window."""
        down = _weights(self.geometry.rows, self.stride)[rows]
        across = _weights(self.geometry.columns, self.stride)[columns]
        return Enlarger(sparse.csr_array(down), sparse.csr_array(across))


@dataclass(frozen=True)
class Enlarger:
    """Cubic interpolation from the lattice to the pixels of a window.

    The weights are sparse: dense products would start the linear algebra library's threads.

    Attributes:
        down: weights from lattice rows to pixel rows.
        across: weights from lattice columns to pixel columns.
    """

    down: sparse.csr_array
    across: sparse.csr_array

    def __call__(self, field: Float[np.ndarray, "nodes_down nodes_across"]) -> Float[np.ndarray, "rows columns"]:
        """Interpolate one plane of a field."""
        wide = np.ascontiguousarray((self.across @ np.ascontiguousarray(field.T)).T)
        enlarged: Float[np.ndarray, "rows columns"] = self.down @ wide
        return enlarged


def draw_grid(rng: np.random.Generator, settings: PhantomSettings) -> Grid:
    """Draw pose, tilt, spacing and slice positions."""
    tilt = float(rng.uniform(*settings.tilt_degrees))
    pixel_mm = float(rng.uniform(*settings.field_of_view_mm)) / settings.columns
    heights_mm = _slice_heights(rng, settings)
    angles = rng.uniform(-1.0, 1.0, 3) * settings.rotation_degrees
    angles[0] -= 0.6 * tilt  # the gantry is tilted to follow a head that is bent
    shift_mm = rng.normal(0.0, (4.0, 5.0, 3.0))
    cosine, sine = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    row_step = np.array([0.0, -cosine, -sine]) * pixel_mm
    column_step = np.array([-1.0, 0.0, 0.0]) * pixel_mm
    corner = -row_step * (settings.rows - 1) / 2 - column_step * (settings.columns - 1) / 2
    geometry = Geometry(
        origins_mm=corner + heights_mm[:, None] * np.array([0.0, 0.0, 1.0]),
        row_steps_mm=np.tile(row_step, (settings.slices, 1)),
        column_steps_mm=np.tile(column_step, (settings.slices, 1)),
        rows=settings.rows,
        columns=settings.columns,
        lone_slice_mm=settings.gap_mm[0] if settings.slices == 1 else None,
    )
    thickness_mm = float(rng.uniform(0.7, 1.0)) * geometry.spacing_mm[0]
    count = settings.thickness_planes
    return Grid(
        geometry=geometry,
        turn=_rotation(*np.radians(angles)),
        shift_mm=shift_mm,
        plane_offsets_mm=((np.arange(count) + 0.5) / count - 0.5) * thickness_mm,
        slab_mm=thickness_mm / count,
        stride=max(1, round(LATTICE_MM / pixel_mm)),
    )


def _slice_heights(rng: np.random.Generator, settings: PhantomSettings) -> Float[np.ndarray, " slices"]:
    steps = settings.slices - 1
    wanted_mm = float(rng.uniform(135.0, 172.0))
    gaps_mm = np.full(steps, float(np.clip(wanted_mm / settings.slices, *settings.gap_mm)))
    uneven, ratio, share = rng.random(), rng.uniform(1.4, 2.0), rng.uniform(0.35, 0.6)
    if uneven < settings.uneven_probability:
        lower = np.arange(steps) < share * steps
        gaps_mm[lower] *= 2.0 / (1.0 + ratio)
        gaps_mm[~lower] *= 2.0 * ratio / (1.0 + ratio)
    heights_mm = np.concatenate([[0.0], np.cumsum(gaps_mm)])
    top_mm, middle_mm = HEAD_TOP_MM + rng.uniform(-6.0, 10.0), rng.uniform(-10.0, 35.0)
    if heights_mm[-1] < 115.0:
        return heights_mm - heights_mm[-1] / 2 + middle_mm
    return heights_mm - heights_mm[-1] + top_mm


def _rotation(pitch: float, roll: float, yaw: float) -> Float[np.ndarray, "3 3"]:
    def about(axis: int, angle: float) -> Float[np.ndarray, "3 3"]:
        first, second = [i for i in range(3) if i != axis]
        matrix = np.eye(3)
        matrix[first, first] = matrix[second, second] = np.cos(angle)
        matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
        return matrix

    return about(0, pitch) @ about(1, roll) @ about(2, yaw)


def _nodes(pixels: int, stride: int) -> int:
    return (pixels - 1) // stride + 4  # one node before the image, two after


@cache
def _weights(pixels: int, stride: int) -> Float[np.ndarray, "pixels nodes"]:
    """Cubic convolution (Keys 1981, a = -1/2) from lattice nodes to pixels."""
    place = np.arange(pixels) / stride + 1.0
    distance = np.abs(place[:, None] - np.arange(_nodes(pixels, stride))[None, :])
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0)).astype(np.float32)

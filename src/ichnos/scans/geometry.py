"""Where every voxel of a scan lies, in mm, slice by slice.

World coordinates are patient coordinates in RAS+ mm: x grows towards the patient's right
side, y towards the front, z towards the head. DICOM files are LPS+; the DICOM reader and
writer negate x and y, and nothing else does.

Geometry is never resampled: a tilted gantry and uneven slice spacing are kept as they are.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ichnos.errors import GeometryError

POSITION_TOLERANCE_MM = 0.05
"""Positions that differ by less are the same; DICOM stores about 1e-6 mm."""

USUAL_SLICE_MM = 5.0
"""Thickness of a slice of head CT, where nothing says it."""


@dataclass(frozen=True)
class Geometry:
    """Origin and in-plane steps of each slice.

    Attributes:
        origins_mm: centre of the voxel at row 0, column 0 of each slice, RAS+.
        row_steps_mm: vector from a row to the next (towards posterior in a canonical scan).
        column_steps_mm: vector from a column to the next (towards patient left).
        rows: number of rows.
        columns: number of columns.
        lone_slice_mm: what a slice stands for along the normal when there is only one slice,
            so that no neighbour tells; None otherwise.

    Slices are ordered from feet to head along their common normal.
    """

    origins_mm: Float[np.ndarray, "slices 3"]
    row_steps_mm: Float[np.ndarray, "slices 3"]
    column_steps_mm: Float[np.ndarray, "slices 3"]
    rows: int
    columns: int
    lone_slice_mm: float | None = None

    def __post_init__(self) -> None:
        gaps_mm = self.gaps_mm
        if gaps_mm.size and gaps_mm.min() <= 0:
            z = int(gaps_mm.argmin())
            raise GeometryError(
                f"slices must rise along their normal; slice {z + 1} lies {gaps_mm[z]:.3f} mm after slice {z}"
            )

    @classmethod
    def from_affine(cls, affine: Float[np.ndarray, "4 4"], shape: tuple[int, int, int]) -> "Geometry":
        """Build from one affine that maps (slice, row, column, 1) to RAS+ mm.

        Args:
            affine: may be sheared; must be invertible.
            shape: (slices, rows, columns).
        """
        slices, rows, columns = shape
        steps = affine[:3, :3]
        normal = np.cross(steps[:, 2], steps[:, 1])
        length = float(np.linalg.norm(normal))
        extent_mm = abs(float(steps[:, 0] @ normal)) / length if length else 0.0
        if extent_mm == 0.0:
            raise GeometryError("the affine is singular; its three axes must span space")
        return cls(
            origins_mm=affine[:3, 3] + np.arange(slices)[:, None] * steps[:, 0],
            row_steps_mm=np.tile(steps[:, 1], (slices, 1)),
            column_steps_mm=np.tile(steps[:, 2], (slices, 1)),
            rows=rows,
            columns=columns,
            lone_slice_mm=extent_mm if slices == 1 else None,
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        return len(self.origins_mm), self.rows, self.columns

    @property
    def normal(self) -> Float[np.ndarray, "3"]:
        """Unit normal of the first slice, pointing to the head in a canonical scan."""
        normal = np.cross(self.column_steps_mm[0], self.row_steps_mm[0])
        return np.asarray(normal / np.linalg.norm(normal))

    @property
    def positions_mm(self) -> Float[np.ndarray, " slices"]:
        """Slice origins projected on the normal: the true order and spacing of the slices."""
        return np.asarray(self.origins_mm @ self.normal)

    @property
    def gaps_mm(self) -> Float[np.ndarray, " gaps"]:
        """Distance along the normal from each slice to the next; one fewer than slices."""
        return np.diff(self.positions_mm)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """(median slice gap, row spacing, column spacing): a summary, not used to measure."""
        gap_mm = float(np.median(self.gaps_mm)) if len(self.origins_mm) > 1 else self._lone_extent_mm()
        row_mm = float(np.linalg.norm(self.row_steps_mm[0]))
        return gap_mm, row_mm, float(np.linalg.norm(self.column_steps_mm[0]))

    @property
    def slice_extents_mm(self) -> Float[np.ndarray, " slices"]:
        """Distance along the normal that each slice stands for: half-way to its neighbours.

        The first and last slice reach as far outwards as they do inwards, so that an evenly
        spaced stack of n slices stands for n gaps.
        """
        gaps_mm = self.gaps_mm
        if not gaps_mm.size:
            return np.array([self._lone_extent_mm()])
        padded = np.concatenate([gaps_mm[:1], gaps_mm, gaps_mm[-1:]])
        return np.asarray((padded[:-1] + padded[1:]) / 2)

    @property
    def pixel_areas_mm2(self) -> Float[np.ndarray, " slices"]:
        """Area of one pixel of each slice."""
        return np.asarray(np.linalg.norm(np.cross(self.row_steps_mm, self.column_steps_mm), axis=1))

    @property
    def voxel_volumes_ml(self) -> Float[np.ndarray, " slices"]:
        """Volume that one voxel of each slice stands for, in millilitres."""
        return np.asarray(self.pixel_areas_mm2 * self.slice_extents_mm / 1000.0)

    @property
    def tilt_degrees(self) -> float:
        """Angle between the slice normal and the direction in which slices are stacked."""
        if len(self.origins_mm) < 2:
            return 0.0
        stack = self.origins_mm[-1] - self.origins_mm[0]
        cosine = float(stack @ self.normal / np.linalg.norm(stack))
        return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))

    @property
    def affine(self) -> Float[np.ndarray, "4 4"]:
        """Affine from (slice, row, column, 1) to RAS+ mm; exact only if `is_affine`.

        Otherwise its slice step is the mean step, so that the first and last slice are right.
        """
        slices = len(self.origins_mm)
        if slices > 1:
            slice_step = (self.origins_mm[-1] - self.origins_mm[0]) / (slices - 1)
        else:
            slice_step = self.normal * self._lone_extent_mm()
        affine = np.eye(4)
        affine[:3, 0] = slice_step
        affine[:3, 1] = self.row_steps_mm[0]
        affine[:3, 2] = self.column_steps_mm[0]
        affine[:3, 3] = self.origins_mm[0]
        return affine

    @property
    def is_affine(self) -> bool:
        """Whether one affine places all slices to within `POSITION_TOLERANCE_MM`."""
        affine = self.affine
        fitted_mm = affine[:3, 3] + np.arange(len(self.origins_mm))[:, None] * affine[:3, 0]
        drift_mm = float(np.abs(fitted_mm - self.origins_mm).max())
        row_mm = float(np.abs(self.row_steps_mm - self.row_steps_mm[0]).max()) * self.rows
        column_mm = float(np.abs(self.column_steps_mm - self.column_steps_mm[0]).max()) * self.columns
        return max(drift_mm, row_mm, column_mm) < POSITION_TOLERANCE_MM

    def points_mm(
        self,
        z: Float[np.ndarray, " n"] | np.ndarray,
        row: Float[np.ndarray, " n"] | np.ndarray,
        column: Float[np.ndarray, " n"] | np.ndarray,
    ) -> Float[np.ndarray, "n 3"]:
        """World positions of voxel centres; `z` must hold whole slice indices."""
        z = np.asarray(z, dtype=int)
        along_rows_mm = np.asarray(row)[:, None] * self.row_steps_mm[z]
        along_columns_mm = np.asarray(column)[:, None] * self.column_steps_mm[z]
        return np.asarray(self.origins_mm[z] + along_rows_mm + along_columns_mm)

    def volume_ml(self, voxels: Bool[np.ndarray, "slices rows columns"]) -> float:
        """Volume of the voxels that are True, in millilitres."""
        return float(voxels.sum(axis=(1, 2)) @ self.voxel_volumes_ml)

    def centroid_mm(self, voxels: Bool[np.ndarray, "slices rows columns"]) -> Float[np.ndarray, "3"]:
        """Centre of mass of the True voxels in RAS+ mm, each weighted by the volume it stands for.

        Raises:
            GeometryError: no voxel is True.
        """
        z, row, column = np.nonzero(voxels)
        if z.size == 0:
            raise GeometryError("an empty mask has no centroid; check `volume_ml` first")
        weights = self.voxel_volumes_ml[z]
        return np.asarray(weights @ self.points_mm(z, row, column) / weights.sum())

    def _lone_extent_mm(self) -> float:
        if self.lone_slice_mm is None:
            raise GeometryError("a single slice of unknown thickness has no volume; give `lone_slice_mm`")
        return self.lone_slice_mm

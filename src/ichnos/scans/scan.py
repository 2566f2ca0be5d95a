"""What a head CT is to ichnos: HU voxels, exact geometry, and the way back to its files."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Shaped

from ichnos.errors import GeometryError
from ichnos.scans.geometry import Geometry

AIR_HU = -1024.0
"""What padding outside the scanner's field of view is set to."""


@dataclass(frozen=True)
class Turn:
    """How a source array was transposed and flipped into (slices, rows, columns) order.

    Attributes:
        axes: for each canonical axis, the source axis it comes from.
        flipped: for each canonical axis, whether it runs against the source axis.
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    def to_canonical(self, source: Shaped[np.ndarray, "i j k"]) -> Shaped[np.ndarray, "slices rows columns"]:
        """Bring a source array into canonical order (a view)."""
        flips = tuple(axis for axis, flipped in enumerate(self.flipped) if flipped)
        return np.flip(source.transpose(self.axes), flips)

    def to_source(self, canonical: Shaped[np.ndarray, "slices rows columns"]) -> Shaped[np.ndarray, "i j k"]:
        """Undo `to_canonical` (a view)."""
        flips = tuple(axis for axis, flipped in enumerate(self.flipped) if flipped)
        return np.flip(canonical, flips).transpose(tuple(np.argsort(self.axes)))

    def indices(self, shape: tuple[int, int, int]) -> Float[np.ndarray, "4 4"]:
        """Matrix from source indices (i, j, k, 1) to canonical ones (slice, row, column, 1).

        Args:
            shape: canonical (slices, rows, columns).
        """
        matrix = np.zeros((4, 4))
        matrix[3, 3] = 1.0
        for canonical_axis, (source_axis, flipped) in enumerate(zip(self.axes, self.flipped, strict=True)):
            matrix[canonical_axis, source_axis] = -1.0 if flipped else 1.0
            matrix[canonical_axis, 3] = shape[canonical_axis] - 1 if flipped else 0.0
        return matrix

    def source_affine(self, geometry: Geometry) -> Float[np.ndarray, "4 4"]:
        """Affine from source indices (i, j, k, 1) to RAS+ mm, given the canonical geometry."""
        return np.asarray(geometry.affine @ self.indices(geometry.shape))


IMAGE_ORDER = Turn(axes=(2, 1, 0), flipped=(False, False, False))
"""NIfTI order (column, row, slice) of an array that needs no flip: an ordinary DICOM series."""


@dataclass(frozen=True)
class Source:
    """Where a scan came from: enough to put a mask back on the same grid.

    Attributes:
        kind: what was read.
        path: the file or folder that the user named; None for arrays made in memory.
        turn: from the source array in NIfTI order (i, j, k) to canonical order. For DICOM,
            i is the image column, j the image row, k the slice.
        affine: the source's own NIfTI affine, kept to the bit; None for DICOM and memory.
        series_uid: SeriesInstanceUID of a DICOM series.
        instance_uids: SOPInstanceUID (and frame, as `uid#frame`, for multi-frame files) of each
            slice, feet to head.
        series_choice: one line on which series was taken and why, where there was a choice.
    """

    kind: Literal["dicom", "nifti", "memory"] = "memory"
    path: Path | None = None
    turn: Turn = IMAGE_ORDER
    affine: Float[np.ndarray, "4 4"] | None = None
    series_uid: str | None = None
    instance_uids: tuple[str, ...] = ()
    series_choice: str | None = None


@dataclass(frozen=True)
class Scan:
    """One head CT.

    Attributes:
        voxels_hu: Hounsfield units, (slices, rows, columns): slices from feet to head, rows from
            anterior to posterior, columns from patient right to left, as an axial slice is shown.
            Padding outside the field of view holds `AIR_HU`.
        geometry: where the voxels lie.
        source: where the scan came from.
        warnings: what a reader of the result should know (missing slices, repaired values, ...).
        repairs: what was mended while reading, with counts; each stands in `warnings` too.
        left_out: files that should have been part of it and are not, with the reason.
    """

    voxels_hu: Float[np.ndarray, "slices rows columns"]
    geometry: Geometry
    source: Source = Source()
    warnings: tuple[str, ...] = ()
    repairs: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_shape(self.voxels_hu.shape, self.geometry)


@dataclass(frozen=True)
class Mask:
    """Voxels of a scan that belong to something.

    Attributes:
        voxels: True inside, (slices, rows, columns) as in `Scan`.
        geometry: of the scan.
        source: of the scan, so that the mask can be written on the scan's own grid.
    """

    voxels: Bool[np.ndarray, "slices rows columns"]
    geometry: Geometry
    source: Source = Source()

    def __post_init__(self) -> None:
        _check_shape(self.voxels.shape, self.geometry)

    @property
    def volume_ml(self) -> float:
        """Volume in millilitres: pixel area times the distance each slice stands for."""
        return self.geometry.volume_ml(self.voxels)

    @property
    def centroid_mm(self) -> Float[np.ndarray, "3"]:
        """Volume-weighted centre in RAS+ mm; raises GeometryError if the mask is empty."""
        return self.geometry.centroid_mm(self.voxels)

    @property
    def touches_edge(self) -> bool:
        """Whether the field of view may cut the mask off (its first or last row, column, or slice of several)."""
        ends = (0, -1)
        in_plane = self.voxels[:, ends, :].any() or self.voxels[:, :, ends].any()
        return bool(in_plane or (len(self.voxels) > 1 and self.voxels[ends, :, :].any()))


def take_slice(scan: Scan, z: int) -> Scan:
    """One slice as a scan of its own."""
    geometry = scan.geometry
    alone = replace(
        geometry,
        origins_mm=geometry.origins_mm[z : z + 1],
        row_steps_mm=geometry.row_steps_mm[z : z + 1],
        column_steps_mm=geometry.column_steps_mm[z : z + 1],
        lone_slice_mm=float(geometry.slice_extents_mm[z]),
    )
    return replace(scan, voxels_hu=scan.voxels_hu[z : z + 1], geometry=alone)


def _check_shape(shape: tuple[int, ...], geometry: Geometry) -> None:
    if shape != geometry.shape:
        raise GeometryError(f"voxels have shape {shape}, their geometry {geometry.shape}; they must agree")

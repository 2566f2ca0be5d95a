"""Reading NIfTI files: which way they are turned and where their voxels lie."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from jaxtyping import Float, Shaped
from nibabel.imageglobals import LoggingOutputSuppressor

from ichnos.errors import GeometryError, ModalityError, PixelError
from ichnos.scans.geometry import Geometry
from ichnos.scans.inputs import check_exists, open_file
from ichnos.scans.orientation import closest_turn
from ichnos.scans.scan import Source, Turn
from ichnos.scans.sidecar import read_sidecar, sidecar_path

ENDINGS = (".nii", ".nii.gz")
MILLIMETRES = frozenset({0, 2})
"""Codes of the spatial unit that we take as mm: unknown and mm."""

UNIT_NAMES = {1: "metre", 3: "micrometre"}

SINGULAR_SHARE = 1e-6
"""An affine whose voxel volume is a smaller share of its box of steps is singular."""


@dataclass(frozen=True)
class NiftiImage:
    """What a NIfTI file holds.

    Attributes:
        stored: values with scl_slope applied, as stored (i, j, k).
        turn: from stored to canonical order.
        geometry: in canonical order.
        affine: (i, j, k, 1) to RAS+ mm, to the bit.
    """

    stored: Shaped[np.ndarray, "i j k"]
    turn: Turn
    geometry: Geometry
    affine: Float[np.ndarray, "4 4"]

    def source(self, path: Path) -> Source:
        """What a scan or mask remembers of the file."""
        return Source(kind="nifti", path=path, turn=self.turn, affine=self.affine)


@dataclass(frozen=True)
class NiftiHeader:
    """What a NIfTI file says before its voxels are read.

    Attributes:
        shape: along i, j, k, ...
        affine: (i, j, k, 1) to RAS+ mm; None where the file does not say.
    """

    shape: tuple[int, ...]
    affine: Float[np.ndarray, "4 4"] | None


def is_nifti(path: Path) -> bool:
    """Whether the name ends as that of a NIfTI file."""
    return path.name.lower().endswith(ENDINGS)


def load_nifti(path: Path, *, may_hold_nan: bool = False) -> NiftiImage:
    """Read a 3-D NIfTI, or one slice of two axes; axes are transposed and flipped, never resampled.

    An only axis of length 1 holds the slice, whatever the affine says.

    A file beside it with true slice positions (see `sidecar`) is honoured.

    Raises:
        ScanNotFoundError: nothing there, or not permitted.
        PixelError: broken, cut short, or, unless `may_hold_nan`, holding NaN or infinity.
        ModalityError: 4-D or colour.
        GeometryError: no valid affine, units other than mm, or a JSON beside it that disagrees.
    """
    check_exists(path)
    open_file(path).close()
    image, stored = load_stored(path)
    _check_header(path, image)
    if stored.ndim == 4 and stored.shape[3] == 1:
        stored = stored[..., 0]
    elif stored.ndim == 2:
        stored = stored[..., None]
    if stored.ndim != 3 or 0 in stored.shape:
        raise ModalityError(f"{path}: has shape {stored.shape}, not one 3-D scan; split it and give one volume")
    if not may_hold_nan and not np.isfinite(stored).all():
        count = int((~np.isfinite(stored)).sum())
        raise PixelError(f"{path}: {count} voxel(s) are not finite (NaN or infinity); export the scan again")
    affine = np.asarray(image.affine, dtype=np.float64)
    turn, geometry = _place(path, affine, stored.shape)
    return NiftiImage(stored, turn, geometry, affine)


def read_header(path: Path) -> NiftiHeader:
    """Size and place by the header alone; the voxels are not read.

    Raises:
        ScanNotFoundError: nothing there, or not permitted.
        PixelError: the header is broken.
    """
    check_exists(path)
    open_file(path).close()
    try:
        with LoggingOutputSuppressor():
            image: Any = nibabel.load(path)
    except Exception as error:  # as in `load_stored`
        reason = " ".join(str(error).split())[:160]
        raise PixelError(f"{path}: cannot be read as NIfTI ({reason}); copy it again") from error
    placed = isinstance(image, nibabel.Nifti1Pair) and (image.header["sform_code"] or image.header["qform_code"])
    affine = np.asarray(image.affine, np.float64) if placed else None
    return NiftiHeader(tuple(int(length) for length in image.shape), affine)


def load_stored(path: Path) -> tuple[Any, Shaped[np.ndarray, "..."]]:
    """The image as nibabel sees it, and its values as they are stored, wherever they lie.

    Raises:
        PixelError: broken or cut short.
        ModalityError: colour.
    """
    try:
        with LoggingOutputSuppressor():  # nibabel tells of header repairs on stderr
            image: Any = nibabel.load(path)
            stored = np.asanyarray(image.dataobj)
    except Exception as error:  # nibabel and gzip raise many kinds on corrupt bytes
        reason = " ".join(str(error).split())[:160]
        raise PixelError(f"{path}: cannot be read as NIfTI, cut short or corrupt ({reason}); copy it again") from error
    if stored.dtype.kind not in "iufb":
        raise ModalityError(f"{path}: holds {stored.dtype} values, such as colour; give a CT in HU")
    return image, stored


def _check_header(path: Path, image: Any) -> None:  # noqa: ANN401 - nibabel has no types
    """Refuse what is not NIfTI, and a NIfTI that does not say where it lies."""
    if not isinstance(image, nibabel.Nifti1Pair):
        raise ModalityError(f"{path}: is {type(image).__name__}, not NIfTI; convert it to .nii.gz")
    header: Any = image.header
    if not header["sform_code"] and not header["qform_code"]:
        raise GeometryError(
            f"{path}: no valid affine (sform_code and qform_code are both 0), so sizes and sides are "
            "unknown; convert the scan again from DICOM"
        )
    unit = int(header["xyzt_units"]) & 0x07
    if unit not in MILLIMETRES:
        raise GeometryError(f"{path}: spatial unit is {UNIT_NAMES.get(unit, unit)}, not mm; convert it to mm")
    steps = image.affine[:3, :3]
    box = float(np.prod(np.linalg.norm(steps, axis=0)))
    if not np.isfinite(image.affine).all() or abs(np.linalg.det(steps)) <= SINGULAR_SHARE * box:
        raise GeometryError(
            f"{path}: no valid affine, it is singular or not finite ({steps.round(4).tolist()}); "
            "convert the scan again from DICOM"
        )


def _place(path: Path, affine: Float[np.ndarray, "4 4"], shape: tuple[int, int, int]) -> tuple[Turn, Geometry]:
    lone = [axis for axis, length in enumerate(shape) if length == 1]
    turn = closest_turn(affine[:3, :3], slice_axis=lone[0] if len(lone) == 1 else None)
    slices, rows, columns = (shape[axis] for axis in turn.axes)
    canonical = (slices, rows, columns)
    to_canonical_mm = affine @ np.linalg.inv(turn.indices(canonical))
    geometry = Geometry.from_affine(to_canonical_mm, canonical)
    stored_origins_mm = read_sidecar(path, affine, shape[2])
    if stored_origins_mm is None:
        return turn, geometry
    if turn.axes[0] != 2:
        raise GeometryError(
            f"{sidecar_path(path)}: gives positions along k, but the slices of {path.name} run along "
            "another axis; put back the file that belongs to it"
        )
    stored = stored_origins_mm[::-1] if turn.flipped[0] else stored_origins_mm
    first_k = shape[2] - 1 if turn.flipped[0] else 0
    corner_offset_mm = geometry.origins_mm[0] - (affine[:3, 3] + first_k * affine[:3, 2])
    return turn, replace(geometry, origins_mm=stored + corner_offset_mm)

"""Reading scans and masks: the one door for all kinds of input."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from ichnos.errors import MaskFileError, ScanNotFoundError
from ichnos.scans.dicom import read_dicom
from ichnos.scans.hounsfield import find_scale, mend_values
from ichnos.scans.nifti import is_nifti, load_nifti
from ichnos.scans.scan import AIR_HU, Mask, Scan

LARGEST_LABEL = 10
"""A NIfTI of whole numbers from 0 to at most this is a mask: of a bleed, or of subtypes."""

PathLikes = str | PathLike[str] | Sequence[str | PathLike[str]]


def read_scan(path: PathLikes, *, series: str | None = None, strict: bool = False) -> Scan:
    """Read one head CT in HU with its exact geometry.

    Padding outside the field of view, and all values below -1024 HU, become -1024 HU. Values that are
    not finite count as air, and HU to which 1024 was added are brought back; no other value is changed:
    HU that were cut off for an 8-bit export (0 to 255) stay so. Slices are ordered by
    ImagePositionPatient along their normal; tilt and uneven spacing are kept. What was unusual but
    usable stands in `Scan.warnings`.

    Args:
        path: a DICOM file, a folder (searched to the bottom), a list of files, a zip, or a NIfTI
            file (.nii, .nii.gz).
        series: SeriesInstanceUID or SeriesNumber to read, where a study holds several; by default
            the axial, non-contrast, original head series in a soft kernel with most slices, which
            `Scan.source.series_choice` tells.
        strict: whether a missing slice is an error instead of a warning.

    Raises:
        ScanNotFoundError: nothing there, nothing that is a CT, or no permission.
        ModalityError: MR or another modality, localizers only, colour, 4-D, or (MaskFileError) a mask.
        GeometryError: slices that do not form one stack; a NIfTI without a valid affine.
        PixelError: pixel data cut short, corrupt or not in HU.
        ArchiveError: a zip that is broken or unsafe.
        UsageError: `series` is not there.
    """
    paths = _paths(path)
    if len(paths) == 1 and is_nifti(paths[0]) and not paths[0].is_dir():
        return _read_nifti_scan(paths[0])
    return read_dicom(paths, series=series, strict=strict)


def read_mask(path: str | PathLike[str]) -> Mask:
    """Read a mask from NIfTI; voxels that are not 0 are True.

    Raises:
        ScanError: as in `read_scan` for NIfTI.
    """
    place = Path(path)
    image = load_nifti(place)
    voxels = np.ascontiguousarray(image.turn.to_canonical(image.stored != 0))
    return Mask(voxels, image.geometry, image.source(place))


def _read_nifti_scan(path: Path) -> Scan:
    image = load_nifti(path, may_hold_nan=True)
    stored, mended = mend_values(image.turn.to_canonical(image.stored))
    if 0 == stored.min() < stored.max() <= LARGEST_LABEL and (stored == np.rint(stored)).all():
        raise MaskFileError(f"{path}: holds whole numbers from 0 to {stored.max():g} only: a mask, not a scan")
    scale = find_scale(stored, str(path))
    voxels_hu = np.ascontiguousarray(stored, dtype=np.float32) + np.float32(scale.offset_hu)
    return Scan(np.maximum(voxels_hu, AIR_HU), image.geometry, image.source(path), (*mended, *scale.notes))


def _paths(path: PathLikes) -> list[Path]:
    if isinstance(path, str | PathLike):
        return [Path(path)]
    if not path:
        raise ScanNotFoundError("no files given; name a DICOM series or a NIfTI file")
    return [Path(one) for one in path]

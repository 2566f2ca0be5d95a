"""Writing scans and masks."""

from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from ichnos.errors import UsageError
from ichnos.scans.dicom_writer import save_dicom_series
from ichnos.scans.nifti_writer import save_nifti
from ichnos.scans.scan import Mask, Scan


def write_mask(mask: Mask, path: str | PathLike[str]) -> tuple[str, ...]:
    """Write a mask as NIfTI (uint8, 1 inside) on the grid of the scan's own file.

    For a scan read from NIfTI, axis order, flips and affine are those of that file, to the bit.
    For a DICOM scan, i is the image column, j the image row, and k runs from feet to head.
    A sheared affine (gantry tilt) is written as sform only. Where slices are unevenly spaced,
    a JSON of the same name beside the file holds their true positions; `read_mask` honours it.

    Args:
        mask: what to write.
        path: ends in .nii.gz or .nii; replaced in one step if it exists.

    Returns:
        Lines that the user should know; empty if all is in the NIfTI.

    Raises:
        UsageError: `path` ends otherwise.
    """
    return save_nifti(mask.voxels.astype(np.uint8), mask.geometry, mask.source, Path(path))


def write_labels(
    labels: UInt8[np.ndarray, "slices rows columns"], scan: Scan, path: str | PathLike[str]
) -> tuple[str, ...]:
    """Write a number for each voxel as NIfTI (uint8) on the grid of `scan`, as `write_mask` does.

    Args:
        labels: what the numbers mean is for the caller to tell.
        scan: whose grid they lie on.
        path: ends in .nii.gz or .nii; replaced in one step if it exists.

    Returns:
        Lines that the user should know; empty if all is in the NIfTI.

    Raises:
        UsageError: `path` ends otherwise, or `labels` has another shape than the scan.
    """
    if labels.shape != scan.voxels_hu.shape:
        raise UsageError(f"labels of shape {labels.shape} do not lie on a scan of shape {scan.voxels_hu.shape}")
    return save_nifti(labels, scan.geometry, scan.source, Path(path))


def write_map(
    values: Float[np.ndarray, "slices rows columns"], scan: Scan, path: str | PathLike[str]
) -> tuple[str, ...]:
    """Write a map in [0, 1] as NIfTI (float32) on the grid of `scan`, as `write_mask` does.

    Args:
        values: one for each voxel of the scan.
        scan: whose grid it lies on.
        path: ends in .nii.gz or .nii; replaced in one step if it exists.

    Returns:
        Lines that the user should know; empty if all is in the NIfTI.

    Raises:
        UsageError: `path` ends otherwise, or `values` has another shape than the scan.
    """
    if values.shape != scan.voxels_hu.shape:
        raise UsageError(f"a map of shape {values.shape} does not lie on a scan of shape {scan.voxels_hu.shape}")
    return save_nifti(values.astype(np.float32), scan.geometry, scan.source, Path(path))


def write_nifti(scan: Scan, path: str | PathLike[str]) -> tuple[str, ...]:
    """Write a scan in HU as NIfTI, on its own grid as `write_mask` does.

    Whole numbers are stored as int16, others as float32.

    Args:
        scan: what to write.
        path: ends in .nii.gz or .nii; replaced in one step if it exists.

    Returns:
        Lines that the user should know; empty if all is in the NIfTI.

    Raises:
        UsageError: `path` ends otherwise.
    """
    limits = np.iinfo(np.int16)
    fits = limits.min <= scan.voxels_hu.min() and scan.voxels_hu.max() <= limits.max
    whole = fits and bool((scan.voxels_hu == np.rint(scan.voxels_hu)).all())
    stored = scan.voxels_hu.astype(np.int16 if whole else np.float32)
    return save_nifti(stored, scan.geometry, scan.source, Path(path))


def write_dicom_series(
    scan: Scan,
    folder: str | PathLike[str],
    *,
    description: str = "",
    patient_id: str = "",
    entropy: str = "",
) -> tuple[Path, ...]:
    """Write a scan as DICOM CT images: one uncompressed file a slice, in canonical order.

    HU are rounded to whole numbers (slope 1, intercept -1024). There is no patient name. The same
    scan and arguments give the same bytes.

    Args:
        scan: what to write; tilt and uneven spacing are kept.
        folder: new or empty.
        description: SeriesDescription.
        patient_id: PatientID; never a real one.
        entropy: makes the unique identifiers differ between scans that are equal otherwise.

    Returns:
        The files, from feet to head.

    Raises:
        UsageError: the folder is not empty.
        PixelError: values do not fit into 16 bits, or are not finite.
        GeometryError: rows and columns are not at right angles.
    """
    return save_dicom_series(scan, Path(folder), description=description, patient_id=patient_id, entropy=entropy)

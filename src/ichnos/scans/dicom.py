"""Reading a DICOM series as a `Scan`."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ichnos.errors import PixelError, ScanNotFoundError
from ichnos.scans.dicom_headers import SliceHeader, read_headers
from ichnos.scans.hounsfield import find_scale
from ichnos.scans.inputs import input_files
from ichnos.scans.pixels import read_voxels
from ichnos.scans.scan import AIR_HU, Scan, Source
from ichnos.scans.series import Choice, choose_series
from ichnos.scans.stack import Stack, stack_slices
from ichnos.scans.wrapping import WRAPPED_SLICES, WRAPPED_WARNING, unwrap


def read_dicom(paths: Sequence[Path], *, series: str | None = None, strict: bool = False) -> Scan:
    """Read the head CT among DICOM files: headers first, then pixels slice by slice.

    Args:
        paths: files, folders, zips; at least one.
        series: SeriesInstanceUID or SeriesNumber to take instead of the preferred one.
        strict: whether missing slices are an error instead of a warning.

    Raises:
        ScanError: as in `read_scan`.
        UsageError: `series` is not there.
    """
    where = _common_place(paths)
    with input_files(paths) as files:
        headers, not_dicom = read_headers(files)
        if not headers:
            raise ScanNotFoundError(_nothing_found(where, [file.name for file in files]))
        choice = choose_series(headers, wanted=series, where=str(where))
        stack = stack_slices(choice.headers, where=str(where), strict=strict)
        images_hu = read_voxels(stack.headers)
    ignored = [f"{len(not_dicom)} file(s) are not DICOM and were left out: {not_dicom[0]}"] if not_dicom else []
    left_out = dict.fromkeys(not_dicom, "not a DICOM file") | dict.fromkeys(stack.copies, "a copy of another file")
    unwrapped = unwrap(stack.headers, images_hu)
    voxels_hu = np.ascontiguousarray(stack.turn.to_canonical(images_hu.transpose(2, 1, 0)))
    rescale = _check_rescale(stack.headers, voxels_hu)
    repaired = [WRAPPED_WARNING.format(unwrapped)] if unwrapped else []
    warnings = (*ignored, *choice.warnings, *stack.warnings, *rescale, *repaired)
    repairs = {WRAPPED_SLICES: unwrapped} if unwrapped else {}
    return Scan(voxels_hu, stack.geometry, _source(stack, choice, where), warnings, repairs, left_out)


def _source(stack: Stack, choice: Choice, where: Path) -> Source:
    return Source(
        kind="dicom",
        path=where,
        turn=stack.turn,
        series_uid=stack.headers[0].series_uid or None,
        instance_uids=tuple(header.uid for header in stack.headers),
        series_choice=choice.reason,
    )


def _check_rescale(headers: Sequence[SliceHeader], voxels_hu: Float[np.ndarray, "slices rows columns"]) -> list[str]:
    """Where the rescale to HU is missing, the values must look like HU already; one that erases them is refused.

    HU to which 1024 was added are brought back, in place.
    """
    erased = [header.file.name for header in headers if header.rescale is not None and header.rescale[0] == 0]
    if erased:
        raise PixelError(f"{erased[0]}: its RescaleSlope is 0, so all its values are equal; export the series again")
    without = [header.file.name for header in headers if header.rescale is None]
    scale = find_scale(voxels_hu, without[0] if without else headers[0].file.name, are_hu=not without)
    if scale.offset_hu:
        np.maximum(voxels_hu + np.float32(scale.offset_hu), AIR_HU, out=voxels_hu)
    told = [f"{len(without)} slice(s) without rescale slope and intercept; taken as HU: {name}" for name in without[:1]]
    return [*told, *scale.notes]


def _common_place(paths: Sequence[Path]) -> Path:
    return paths[0] if len(paths) == 1 else Path(os.path.commonpath([path.absolute() for path in paths]))


def _nothing_found(where: Path, names: list[str]) -> str:
    nifti = [name for name in names if name.lower().endswith((".nii", ".nii.gz"))]
    if nifti:
        return f"{where}: no DICOM files, but NIfTI; give the NIfTI file itself, such as {nifti[0]}"
    way_out = "give a DICOM series (folder, files or zip) or a .nii or .nii.gz file"
    return f"{where}: no CT found, none of {len(names)} file(s) is a DICOM image; {way_out}"

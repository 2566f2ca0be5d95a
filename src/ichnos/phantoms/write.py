"""A phantom as files: the scan as DICOM or NIfTI, its masks as NIfTI, its labels as a table."""

import csv
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from ichnos.errors import UsageError
from ichnos.phantoms.phantom import Phantom
from ichnos.phantoms.settings import SUBTYPES
from ichnos.scans import Mask, write_dicom_series, write_mask, write_nifti


def write_phantom(phantom: Phantom, folder: str | PathLike[str], as_: str = "dicom") -> tuple[str, ...]:
    """Write a phantom and its truth into one folder.

    The folder then holds `ct/*.dcm` or `ct.nii.gz`, `bleed.nii.gz` (all subtypes together),
    `bleed-SUBTYPE.nii.gz` for those present, `brain.nii.gz`, and `labels.csv` with a row a slice:
    z, any, and the five subtypes as 0 or 1. Such files of an earlier phantom are replaced.

    Args:
        phantom: what to write.
        folder: made if missing.
        as_: the form of the scan, `dicom` or `nifti`.

    Returns:
        Lines that the user should know, such as what NIfTI could not hold.

    Raises:
        UsageError: `as_` is something else.
    """
    if as_ not in {"dicom", "nifti"}:
        raise UsageError(f"as_ must be dicom or nifti; got {as_!r}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _remove_earlier(folder)
    if as_ == "dicom":
        name = f"phantom-{phantom.seed:04d}"
        write_dicom_series(phantom.scan, folder / "ct", description="phantom", patient_id=name)
        notes = set()
    else:
        notes = set(write_nifti(phantom.scan, folder / "ct.nii.gz"))
    masks = {"bleed": phantom.bleed_mask, "brain": phantom.brain_mask}
    masks |= {f"bleed-{name}": mask for name, mask in phantom.bleed_masks.items()}
    for name, voxels in masks.items():
        notes |= set(_write(phantom, voxels, folder / f"{name}.nii.gz"))
    _write_labels(phantom, folder / "labels.csv")
    return tuple(sorted(notes))


def _write(phantom: Phantom, voxels: Bool[np.ndarray, "slices rows columns"], path: Path) -> tuple[str, ...]:
    return write_mask(Mask(voxels, phantom.scan.geometry, phantom.scan.source), path)


def _write_labels(phantom: Phantom, path: Path) -> None:
    columns = [phantom.slice_labels, *(phantom.subtype_labels[name] for name in SUBTYPES)]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["z", "any", *SUBTYPES])
        for z, labels in enumerate(zip(*columns, strict=True)):
            table.writerow([z, *(int(label) for label in labels)])


def _remove_earlier(folder: Path) -> None:
    """Remove what an earlier phantom left here, by the names that this file gives."""
    names = ["ct", "bleed", "brain", *(f"bleed-{name}" for name in SUBTYPES)]
    stale = [folder / f"{name}{ending}" for name in names for ending in (".nii.gz", ".json")]
    for path in [*stale, *(folder / "ct").glob("*.dcm")]:
        path.unlink(missing_ok=True)

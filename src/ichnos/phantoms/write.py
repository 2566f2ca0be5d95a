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


def write_phantom(
    phantom: Phantom, folder: str | PathLike[str], as_: str = "dicom", labelled_mm2: float = 0.0
) -> tuple[str, ...]:
    """Write a phantom and its truth, so that `folder/scans` is a folder of scans and nothing else.

    - `scans/NAME/*.dcm` or `scans/NAME.nii.gz`: the scan; NAME is `phantom-` and the seed;
    - `truth/NAME/`: `bleed.nii.gz` (all subtypes together), `bleed-SUBTYPE.nii.gz` for those
      present, `brain.nii.gz`, and `labels.csv` with a row a slice: z, any, and the five subtypes
      as 0 or 1.

    What an earlier phantom of this name left is replaced.

    Args:
        phantom: what to write.
        folder: made if missing.
        as_: the form of the scan, `dicom` or `nifti`.
        labelled_mm2: a subtype is labelled in slices in which it covers at least this much, as somebody who
            labels slices would see it; its mask is whole all the same. 0 labels all that is drawn.

    Returns:
        Lines that the user should know, such as what NIfTI could not hold.

    Raises:
        UsageError: `as_` is something else.
    """
    if as_ not in {"dicom", "nifti"}:
        raise UsageError(f"as_ must be dicom or nifti; got {as_!r}")
    name = phantom_name(phantom.seed)
    scans, truth = Path(folder) / "scans", Path(folder) / "truth" / name
    _remove_earlier(scans, truth, name)
    truth.mkdir(parents=True, exist_ok=True)
    notes: set[str] = set()
    if as_ == "dicom":
        write_dicom_series(phantom.scan, scans / name, description="phantom", patient_id=name)
    else:
        notes |= set(write_nifti(phantom.scan, scans / f"{name}.nii.gz"))
    masks = {"bleed": phantom.bleed_mask, "brain": phantom.brain_mask}
    masks |= {f"bleed-{subtype}": mask for subtype, mask in phantom.bleed_masks.items()}
    for mask_name, voxels in masks.items():
        notes |= set(_write(phantom, voxels, truth / f"{mask_name}.nii.gz"))
    _write_labels(phantom, labelled_mm2, truth / "labels.csv")
    return tuple(sorted(notes))


def phantom_name(seed: int) -> str:
    """What a phantom is called in files and tables."""
    return f"phantom-{seed:04d}"


def _write(phantom: Phantom, voxels: Bool[np.ndarray, "slices rows columns"], path: Path) -> tuple[str, ...]:
    return write_mask(Mask(voxels, phantom.scan.geometry, phantom.scan.source), path)


def _write_labels(phantom: Phantom, labelled_mm2: float, path: Path) -> None:
    nothing, pixel_mm2 = np.zeros_like(phantom.brain_mask), phantom.scan.geometry.pixel_areas_mm2
    pixels = np.stack([phantom.bleed_masks.get(name, nothing).sum(axis=(1, 2)) for name in SUBTYPES])
    labels = (pixels > 0) & (pixels * pixel_mm2 >= labelled_mm2)
    columns = [labels.any(axis=0), *labels]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["z", "any", *SUBTYPES])
        for z, labels in enumerate(zip(*columns, strict=True)):
            table.writerow([z, *(int(label) for label in labels)])


def _remove_earlier(scans: Path, truth: Path, name: str) -> None:
    """Remove what an earlier phantom of this name left here, and nothing else."""
    stale = [scans / f"{name}{ending}" for ending in (".nii.gz", ".json")]
    stale += [*(scans / name).glob("*.dcm"), *truth.glob("b*.nii.gz"), *truth.glob("b*.json")]
    for path in stale:
        path.unlink(missing_ok=True)
    if (scans / name).is_dir() and not any((scans / name).iterdir()):
        (scans / name).rmdir()

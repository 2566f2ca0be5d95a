"""A collection of tiny scans on disk with masks that were thought out, and predictions for them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tiny import box_scan

from ichnos.cohorts.case import Case, LabelledScan
from ichnos.cohorts.slice_store import LABELS
from ichnos.scans import Mask, write_mask, write_nifti
from ichnos.scans.scan import Scan

SHAPE = (4, 12, 12)
SPACING_MM = (5.0, 1.0, 2.0)


@dataclass(frozen=True)
class Made:
    """A scan, what is drawn in it and what is predicted."""

    scan: Scan
    label: np.ndarray
    predicted: np.ndarray


def box(z=slice(0, 0), rows=slice(None), columns=slice(None)):
    mask = np.zeros(SHAPE, bool)
    mask[z, rows, columns] = True
    return mask


def even_scan():
    """With a corner of air, so that readers take it for a CT."""
    scan = box_scan(SHAPE, SPACING_MM)
    scan.voxels_hu[0, 0, 0] = -1000.0
    return scan


def uneven_scan():
    """Slices at 0, 5, 10 and 20 mm."""
    scan = even_scan()
    origins = scan.geometry.origins_mm.copy()
    origins[3] += 5 * scan.geometry.normal
    return Scan(scan.voxels_hu, replace(scan.geometry, origins_mm=origins))


def make_cases():
    scan = even_scan()
    inner = slice(3, 8)
    return {
        "border": Made(scan, box(slice(0, 2), slice(0, 4), slice(0, 4)), box(slice(0, 1), slice(0, 6), slice(0, 3))),
        "empty": Made(scan, box(), box()),
        "everything": Made(scan, box(slice(1, 3), inner, inner), np.ones(SHAPE, bool)),
        "invented": Made(scan, box(), box(slice(2, 3), slice(2, 6), slice(2, 6))),
        "missed": Made(scan, box(slice(1, 3), inner, inner), box()),
        "one-voxel": Made(scan, box(slice(2, 3), slice(5, 6), slice(5, 6)), box(slice(2, 3), slice(5, 6), slice(5, 7))),
        "shifted": Made(scan, box(slice(1, 3), inner, inner), box(slice(1, 3), inner, slice(4, 9))),
        "uneven": Made(uneven_scan(), box(slice(2, 4), inner, inner), box(slice(2, 4), inner, slice(3, 7))),
    }


def write_cohort(folder: Path, cases) -> Path:
    """As `ichnos phantom` writes phantoms."""
    for name, made in cases.items():
        write_nifti(made.scan, folder / "scans" / f"{name}.nii.gz")
        truth = folder / "truth" / name
        write_mask(Mask(made.label, made.scan.geometry), truth / "bleed.nii.gz")
        bleeds = made.label.any(axis=(1, 2)).astype(int)
        rows = [
            f"{z},{yes}," + ",".join(str(yes * (one == "subdural")) for one in LABELS[1:])
            for z, yes in enumerate(bleeds)
        ]
        (truth / "labels.csv").write_text("\n".join(["z," + ",".join(LABELS), *rows]) + "\n")
    return folder


def write_predictions(folder: Path, cases) -> Path:
    for name, made in cases.items():
        write_mask(Mask(made.predicted, made.scan.geometry), folder / f"{name}.nii.gz")
    return folder


def labelled(name: str, made: Made, patient: str | None = None) -> LabelledScan:
    labels = np.zeros((len(made.label), 6), np.int8)
    labels[:, [0, 5]] = made.label.any(axis=(1, 2))[:, None]
    masks = {"subdural": made.label} if made.label.any() else {}
    return LabelledScan(Case(name, patient or name, ()), made.scan, labels, masks)

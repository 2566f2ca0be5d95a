"""A cohort as a folder that nnU-Net trains on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from ichnos.cohorts.case import Case, Cohort, LabelledScan, Skipped
from ichnos.cohorts.slice_store import LABELS
from ichnos.errors import ScanError, UsageError
from ichnos.runtime.files import write_json
from ichnos.scans import write_nifti
from ichnos.scans.nifti_writer import save_nifti

SUBTYPE_CLASSES = {name: number for number, name in enumerate((*LABELS[1:], "any"), 1)}
"""Numbers of classes in exported masks; `any` is blood of a subtype that nobody told."""

BINARY_CLASSES = {"any": 1}


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        written: ids of the cases.
        skipped: cases that were left out, and why.
        overlapping_voxels: voxels with several subtypes; they hold the first in the order of `LABELS`.
    """

    written: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    overlapping_voxels: int


def export_nnunet(
    cohort: Cohort,
    folder: Path,
    *,
    subtypes: bool = True,
    folds: Sequence[Sequence[str]] = (),
) -> Export:
    """Write scans, masks, `dataset.json` and `splits_final.json` in the form of nnU-Net 2.

    Scans and masks lie on the scan's own grid, as `write_nifti` writes it. Left out, and told, are
    cases without masks and scans with uneven slices, which NIfTI cannot place.

    Args:
        cohort: what to write.
        folder: `DatasetNNN_Name`; must not hold anything yet.
        subtypes: whether masks tell subtypes, or only where blood is.
        folds: ids of the cases that each fold validates on; the others of the cohort train it.

    Raises:
        UsageError: the folder is not empty; folds name unknown cases, a case twice, or put one
            patient on both sides; nothing could be written.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder}: is not empty; give a new folder")
    _check_folds(cohort, folds)
    classes = SUBTYPE_CLASSES if subtypes else BINARY_CLASSES
    written, skipped, overlapping = [], [], 0
    for case in cohort.cases:
        try:
            loaded = cohort.load(case)
            reason = _why_not(loaded)
        except ScanError as error:
            reason = str(error)
        if reason:
            skipped.append(Skipped(case.case, reason))
        else:
            overlapping += _write_case(loaded, folder, classes)
            written.append(case.case)
    if not written:
        raise UsageError(f"no case of {cohort.name} can be exported; the first, {skipped[0].name}: {skipped[0].reason}")
    _write_description(cohort, folder, classes, len(written))
    if folds:
        write_json(folder / "splits_final.json", _splits(written, folds))
    return Export(tuple(written), tuple(skipped), overlapping)


def draw_classes(loaded: LabelledScan, classes: dict[str, int]) -> tuple[UInt8[np.ndarray, "slices rows columns"], int]:
    """One number a voxel, and how many voxels have several subtypes (the first in `LABELS` is taken).

    Args:
        loaded: with masks.
        classes: numbers by subtype; with `any` alone, all blood is of that class.
    """
    masks = loaded.bleed_masks or {}
    drawn = np.zeros(loaded.scan.voxels_hu.shape, np.uint8)
    count = np.zeros(drawn.shape, np.uint8)
    for name in reversed((*LABELS[1:], "any")):
        if name in masks:
            drawn[masks[name]] = classes.get(name, classes["any"])
            count += masks[name] & (name != "any")
    return drawn, int((count > 1).sum())


def _why_not(loaded: LabelledScan) -> str:
    if loaded.bleed_masks is None:
        return "has no mask"
    if not loaded.scan.geometry.is_affine:
        gaps_mm = loaded.scan.geometry.gaps_mm
        return f"slices are unevenly spaced ({gaps_mm.min():.2f} to {gaps_mm.max():.2f} mm), NIfTI cannot place them"
    return ""


def _write_case(loaded: LabelledScan, folder: Path, classes: dict[str, int]) -> int:
    drawn, overlapping = draw_classes(loaded, classes)
    scan, name = loaded.scan, loaded.case.case
    write_nifti(scan, folder / "imagesTr" / f"{name}_0000.nii.gz")
    save_nifti(drawn, scan.geometry, scan.source, folder / "labelsTr" / f"{name}.nii.gz")
    return overlapping


def _write_description(cohort: Cohort, folder: Path, classes: dict[str, int], count: int) -> None:
    content = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0} | classes,
        "numTraining": count,
        "file_ending": ".nii.gz",
        "name": folder.name,
        "description": f"exported by ichnos from {cohort.name}",
        "licence": cohort.licence,
    }
    write_json(folder / "dataset.json", content)


def _check_folds(cohort: Cohort, folds: Sequence[Sequence[str]]) -> None:
    by_name: dict[str, Case] = {case.case: case for case in cohort.cases}
    validated = [name for fold in folds for name in fold]
    unknown = sorted(set(validated) - by_name.keys())
    twice = sorted({name for name in validated if validated.count(name) > 1})
    if unknown or twice:
        what = f"unknown cases: {', '.join(unknown[:3])}" if unknown else f"cases twice: {', '.join(twice[:3])}"
        raise UsageError(f"folds name {what}; each case belongs into one fold")
    for number, fold in enumerate(folds):
        patients = {by_name[name].patient for name in fold}
        torn = [case.case for case in cohort.cases if case.patient in patients and case.case not in set(fold)]
        if torn:
            raise UsageError(f"fold {number} validates on a patient that {torn[0]} trains on; keep patients together")


def _splits(written: Sequence[str], folds: Sequence[Sequence[str]]) -> list[dict[str, list[str]]]:
    return [
        {"train": [name for name in written if name not in set(fold)], "val": [n for n in written if n in set(fold)]}
        for fold in folds
    ]

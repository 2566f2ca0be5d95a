"""PhysioNet ct-ich (Hssayeni et al., Data 2020, doi:10.13026/4nae-zg36): 75 scans, 36 of them bleeding.

    ct_scans/NNN.nii, masks/NNN.nii         version 1.3; masks hold 0 and 255
    hemorrhage_diagnosis_raw_ct.csv         a row a slice; SliceNumber counts from 1 along the last
                                            axis as it is stored, whichever way that runs
    Patient_demographics.csv                82 patients, seven of them (059 to 065) without a scan

Versions 1.0 to 1.2 are pictures: see `physionet_jpeg`, which is taken where there is no `ct_scans`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ichnos.cohorts.case import Case, Cohort, LabelledScan, Skipped
from ichnos.cohorts.readers.labelling import join_labels, label_scan
from ichnos.cohorts.readers.layout import visible
from ichnos.cohorts.readers.masks import DrawnMasks, read_bleed_masks
from ichnos.cohorts.readers.notes import listed, noted
from ichnos.cohorts.readers.physionet_jpeg import find_pictures, open_physionet_jpeg
from ichnos.cohorts.readers.physionet_labels import (
    SliceRows,
    compare_with_patients,
    disagreements,
    read_patient_labels,
    read_slice_rows,
    scan_labels,
    three_digits,
)
from ichnos.cohorts.readers.places import find_child, find_place
from ichnos.errors import CohortError, GeometryError, PixelError, ScanError
from ichnos.scans import Scan, read_scan
from ichnos.scans.nifti import load_stored, read_header

NAME = "physionet-ct-ich"
LICENCE = "PhysioNet Restricted Health Data License 1.5.0; cite doi:10.13026/4nae-zg36"
TABLE, OTHER_TABLE = "hemorrhage_diagnosis_raw_ct.csv", "hemorrhage_diagnosis.csv"

NUMBERS = (*range(49, 59), *range(66, 131))
COUNTS = (
    *(39, 32, 46, 35, 35, 33, 56, 40, 43, 38, 34, 31, 32, 40, 39, 34, 33, 37, 39, 36, 51, 35, 36, 40, 33),
    *(56, 34, 37, 52, 34, 37, 32, 34, 42, 33, 37, 37, 38, 47, 37, 37, 33, 48, 33, 34, 35, 37, 40, 31, 34),
    *(36, 37, 58, 33, 33, 39, 38, 33, 32, 38, 36, 33, 35, 36, 35, 35, 32, 43, 37, 43, 34, 36, 35, 35, 36),
)
SLICES = dict(zip(NUMBERS, COUNTS, strict=True))
"""Published slices of each scan; 2,814 in all."""

BLEEDING = frozenset({*range(49, 54), 58, *range(66, 95), 97})
"""Patients with a hemorrhage; 36."""

PICTURES_ONLY = frozenset(range(59, 66))
"""Patients who are in the older versions only."""

NUMBERED = re.compile(r"0*(\d+)(?:[_-](?:mask|seg))?\.nii(?:\.gz)?", re.IGNORECASE)
UNPLACED = "masks without a place, taken voxel by voxel"


@dataclass(frozen=True)
class _Numbered:
    """Files by patient number, and those that were left out."""

    files: Mapping[int, Path]
    skipped: tuple[Skipped, ...]


def open_physionet(root: Path) -> Cohort:
    """List ct-ich, NIfTI where it is there, otherwise pictures; `root` is its folder or one above it.

    A scan whose labels are numbered beyond its slices is left out: they are those of another version.

    Raises:
        CohortError: neither layout is there, or its table of slices is missing or broken.
    """
    place = find_place(root, "ct_scans")
    if place is None:
        if find_pictures(root) is not None:
            return open_physionet_jpeg(root)
        raise CohortError(f"{root}: holds neither ct_scans/ nor Patients_CT/; give the unpacked folder of ct-ich")
    table = find_child(place, TABLE)
    if table is None:
        fits_not = f"; {OTHER_TABLE} numbers the slices of the pictures and does not fit"
        raise CohortError(
            f"{place}: no {TABLE}{fits_not if find_child(place, OTHER_TABLE) else ''}; download it, version 1.3.1"
        )
    rows = read_slice_rows(table)
    demographics = find_child(place, "patient_demographics.csv")
    return _list_cases(place, rows, read_patient_labels(demographics) if demographics else {})


def load_physionet(case: Case) -> LabelledScan:
    """Read a scan with its labels, each on the slice that its SliceNumber means, and its mask.

    Raises:
        ScanError: the scan or mask cannot be used, its slices do not lie along the last axis, or
            labels are numbered beyond them.
    """
    scan = read_scan(case.files[0])
    turn = scan.source.turn
    if turn.axes[0] != 2:
        raise GeometryError(f"{case.files[0]}: slices do not lie along the last axis, so their numbers mean nothing")
    numbers = range(1, len(scan.voxels_hu) + 1)
    labels, beyond = join_labels(
        case.slice_labels, [str(n) for n in (reversed(numbers) if turn.flipped[0] else numbers)]
    )
    if beyond:
        raise ScanError(f"{case.files[0]}: {_foreign(beyond, len(numbers))}")
    masks, repairs = _read_masks(case.masks[""], scan) if case.masks else (None, {})
    warnings = (*scan.warnings, *repairs, *disagreements(labels, masks))
    return label_scan(case, replace(scan, warnings=warnings, repairs={**scan.repairs, **repairs}), labels, masks)


def _read_masks(path: Path, scan: Scan) -> tuple[DrawnMasks, dict[str, int]]:
    """The mask by its affine, or voxel by voxel if it has none (or just ones) and the same size."""
    try:
        return read_bleed_masks(path, scan), {}
    except GeometryError:
        header = read_header(path)
        size = tuple(np.array(scan.voxels_hu.shape)[np.argsort(scan.source.turn.axes)])
        nowhere = header.affine is None or np.allclose(np.abs(header.affine[:3, :3]), np.eye(3))
        if not nowhere or header.shape != size:
            raise
    _, stored = load_stored(path)
    if not (stored >= 0).all():
        raise PixelError(f"{path}: holds values below 0 or not finite, which no mask has; restore it")
    drawn = np.ascontiguousarray(scan.source.turn.to_canonical(stored > 0))
    return ({"any": drawn} if drawn.any() else {}), {UNPLACED: 1}


def _list_cases(place: Path, rows: SliceRows, patients: Mapping[int, Mapping[str, bool]]) -> Cohort:
    scans, masks = _number(find_child(place, "ct_scans")), _number(find_child(place, "masks"))
    if not scans.files:
        raise CohortError(f"{place / 'ct_scans'}: holds no NNN.nii; give the folder as PhysioNet publishes it")
    slices = {number: _count_slices(path) for number, path in scans.files.items()}
    _check_version(rows, slices, place / TABLE)
    labels = {
        number: scan_labels(rows.labels[number], complete=len(rows.labels[number]) == slices[number])
        for number in sorted(set(slices) & set(rows.labels))
    }
    beyond = {
        number: [n for n in sorted(rows.labels.get(number, {})) if not 1 <= n <= (slices[number] or n)]
        for number in slices
    }
    left_out = [
        Skipped(f"{number:03d}", _foreign(beyond[number], slices[number])) for number in slices if beyond[number]
    ]
    left_out += [
        Skipped(f"masks/{path.name}", "a mask without its scan")
        for number, path in masks.files.items()
        if number not in slices
    ]
    return Cohort(
        name=NAME,
        root=place,
        licence=LICENCE,
        cases=tuple(
            Case(
                case=f"{number:03d}",
                patient=f"{number:03d}",
                files=(scans.files[number],),
                slice_labels=rows.by_key(number),
                scan_labels=labels.get(number, {}),
                masks={"": masks.files[number]} if number in masks.files else {},
                identifiers={"physionet_ct_ich": f"{number:03d}"},
                hints=rows.hints(number),
            )
            for number in sorted(slices)
            if not beyond[number]
        ),
        load=load_physionet,
        skipped=(*scans.skipped, *masks.skipped, *left_out),
        notes=(
            *rows.notes,
            *_compare_with_published(slices, labels),
            *_compare_rows(rows, slices, patients),
            *_compare_masks(slices, masks, labels),
            *compare_with_patients(labels, patients),
        ),
    )


def _number(folder: Path | None) -> _Numbered:
    """NNN.nii files by number; others, and a second one of a number, are left out."""
    found: dict[int, Path] = {}
    skipped: list[Skipped] = []
    for path in visible(folder) if folder else []:
        match = NUMBERED.fullmatch(path.name)
        if match is None:
            skipped.append(Skipped(f"{path.parent.name}/{path.name}", "not named NNN.nii"))
        elif int(match[1]) in found:
            first = found[int(match[1])].name
            skipped.append(Skipped(f"{path.parent.name}/{path.name}", f"the same number as {first}, which is taken"))
        else:
            found[int(match[1])] = path
    return _Numbered(found, tuple(skipped))


def _count_slices(path: Path) -> int | None:
    """Slices by the header; None where it is no readable 3-D NIfTI, which loading will tell."""
    try:
        shape = read_header(path).shape
    except ScanError:
        return None
    return shape[2] if len(shape) >= 3 else None


def _foreign(beyond: Sequence[object], slices: int | None) -> str:
    return (
        f"labels for slice {listed(beyond)}, but the scan has slices 1 to {slices}: they are those of another "
        f"scan or version, put back the right {TABLE}"
    )


def _check_version(rows: SliceRows, slices: Mapping[int, int | None], table: Path) -> None:
    """Refuse the table of the pictures under the name of the other: it numbers slices otherwise.

    It has rows for patients 059 to 065, and for most scans fewer rows than slices.
    """
    short = [number for number, count in slices.items() if count and len(rows.labels.get(number, {})) < count]
    if set(rows.labels) >= PICTURES_ONLY and len(short) > len(slices) / 2:
        raise CohortError(
            f"{table}: has rows of patients 059 to 065 and too few of the others, as {OTHER_TABLE} of the pictures "
            "has, which numbers slices otherwise; download this table again, version 1.3.1"
        )


def _compare_with_published(slices: Mapping[int, int | None], labels: Mapping[int, Mapping[str, bool]]) -> list[str]:
    differing = [
        f"{number:03d} has {slices[number]}, not {SLICES[number]}"
        for number in sorted(set(SLICES) & set(slices))
        if slices[number] not in {None, SLICES[number]}
    ]
    bleeding, known = {number for number, told in labels.items() if told.get("any")}, set(labels) & set(SLICES)
    return noted(
        {
            f"{len(set(SLICES) & set(slices))} of {len(SLICES)} published scans are here, missing": three_digits(
                set(SLICES) - set(slices)
            ),
            "scans that were not published": three_digits(set(slices) - set(SLICES)),
            f"{len(differing)} scans have other numbers of slices than published": differing,
            "labelled as bleeding, unlike published": three_digits(bleeding & known - BLEEDING),
            "not labelled as bleeding, unlike published": three_digits(known & BLEEDING - bleeding),
        }
    )


def _compare_rows(
    rows: SliceRows, slices: Mapping[int, int | None], patients: Mapping[int, Mapping[str, bool]]
) -> list[str]:
    short = [
        f"{number:03d} ({count - len(rows.labels.get(number, {}))} of {count})"
        for number, count in sorted(slices.items())
        if count and len(rows.labels.get(number, {})) < count
    ]
    return noted(
        {
            f"{len(short)} scans have slices without a row": short,
            "labelled patients without a scan": three_digits(set(rows.labels) - set(slices)),
            "patients of the demographics without a scan": three_digits(set(patients) - set(slices)),
        },
        longest=7,
    )


def _compare_masks(
    slices: Mapping[int, int | None], masks: _Numbered, labels: Mapping[int, Mapping[str, bool]]
) -> list[str]:
    absent = set(slices) - set(masks.files)
    bleeding = {number for number in absent if labels.get(number, {}).get("any")}
    return noted(
        {
            "bleeding scans without a mask": three_digits(bleeding),
            "other scans without a mask": three_digits(absent - bleeding),
        }
    )

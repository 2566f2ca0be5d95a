"""PhysioNet ct-ich 1.0 to 1.2 (Hssayeni 2019, doi:10.13026/w8q8-ky94): 82 scans as pictures.

    Patients_CT/NNN/brain/N.jpg             brain window, level 40, width 120
    Patients_CT/NNN/bone/N.jpg              bone window, level 700, width 3200
    Patients_CT/NNN/brain/N_HGE_Seg.jpg     white where blood was drawn; bleeding slices only
    hemorrhage_diagnosis.csv                a row a slice
    patient_demographics.csv

What can be read from pictures, and what cannot, is told in `physionet_pictures`.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ichnos.cohorts.case import Case, Cohort, LabelledScan, Skipped
from ichnos.cohorts.readers.labelling import join_labels, label_scan
from ichnos.cohorts.readers.layout import visible
from ichnos.cohorts.readers.masks import DrawnMasks
from ichnos.cohorts.readers.notes import noted
from ichnos.cohorts.readers.physionet_labels import (
    SliceRows,
    compare_with_patients,
    disagreements,
    read_patient_labels,
    read_slice_rows,
    scan_labels,
    three_digits,
)
from ichnos.cohorts.readers.physionet_pictures import Pictures, list_pictures, read_drawings, read_pictures
from ichnos.cohorts.readers.places import find_child, find_place
from ichnos.errors import CohortError

NAME = "physionet-ct-ich-jpeg"
LICENCE = "Creative Commons Attribution 4.0; cite doi:10.13026/w8q8-ky94"
TABLE = "hemorrhage_diagnosis.csv"
FOLDER = "Patients_CT"
PATIENTS = frozenset(range(49, 131))
"""Published patients, 82."""


def find_pictures(root: Path) -> Path | None:
    """The folder with Patients_CT at or below `root`; None if there is none."""
    return find_place(root, FOLDER)


def open_physionet_jpeg(root: Path) -> Cohort:
    """List ct-ich 1.0 to 1.2; `root` is its folder or one above it.

    Raises:
        CohortError: the layout is not there, or its table of slices is missing or broken.
    """
    place = find_pictures(root)
    patients_ct = find_child(place, FOLDER) if place else None
    if place is None or patients_ct is None:
        raise CohortError(f"{root}: holds no {FOLDER}/; give the unpacked folder of ct-ich 1.0 to 1.2")
    table = find_child(place, TABLE, "hemmorhage_diagnosis.csv")
    if table is None:
        raise CohortError(f"{place}: no {TABLE}; the table of version 1.3 numbers slices otherwise, get this one")
    rows = read_slice_rows(table)
    folders, skipped = _patient_folders(patients_ct)
    pictures = {number: list_pictures(folder) for number, folder in folders.items()}
    if not any(found.brain for found in pictures.values()):
        raise CohortError(f"{patients_ct}: holds no NNN/brain/N.jpg; give the folder as PhysioNet publishes it")
    labels = {
        number: scan_labels(rows.labels[number], complete=set(pictures[number].brain) <= set(rows.labels[number]))
        for number in sorted(set(folders) & set(rows.labels))
    }
    off_by_one = {number for number, found in pictures.items() if _is_off_by_one(found, rows.labels.get(number, {}))}
    skipped += [Skipped(name, "pictures or rows count from 0, the others from 1") for name in three_digits(off_by_one)]
    for number, found in sorted(pictures.items()):
        skipped += _left_out(f"{number:03d}", found)
    demographics = find_child(place, "patient_demographics.csv")
    patients = read_patient_labels(demographics) if demographics else {}
    return Cohort(
        name=NAME,
        root=place,
        licence=LICENCE,
        cases=tuple(
            _case(number, folders[number], found, rows, labels.get(number, {}))
            for number, found in sorted(pictures.items())
            if found.brain and number not in off_by_one
        ),
        load=load_physionet_jpeg,
        skipped=tuple(skipped),
        notes=(*rows.notes, *_compare(pictures, rows), *compare_with_patients(labels, patients)),
    )


def load_physionet_jpeg(case: Case) -> LabelledScan:
    """Read a scan from its pictures, with labels and drawings joined by slice number.

    Raises:
        ScanError: pictures cannot be read or differ in size.
    """
    found = list_pictures(case.files[0])
    scan = read_pictures(found, case.files[0])
    labels, _ = join_labels(case.slice_labels, [str(number) for number in sorted(found.brain)])
    drawn = read_drawings(found) if case.masks else None
    masks: DrawnMasks | None = None if drawn is None else {"any": drawn} if drawn.any() else {}
    warnings = (*scan.warnings, *disagreements(labels, masks))
    return label_scan(case, replace(scan, warnings=warnings), labels, masks)


def _patient_folders(folder: Path) -> tuple[dict[int, Path], list[Skipped]]:
    folders: dict[int, Path] = {}
    skipped = []
    for path in visible(folder):
        if not path.is_dir() or not path.name.isdecimal():
            skipped.append(Skipped(f"{folder.name}/{path.name}", "not a folder named NNN"))
        elif int(path.name) in folders:
            first = folders[int(path.name)].name
            skipped.append(Skipped(f"{folder.name}/{path.name}", f"the same number as {first}, which is taken"))
        else:
            folders[int(path.name)] = path
    return folders, skipped


def _case(number: int, folder: Path, found: Pictures, rows: SliceRows, told: Mapping[str, bool]) -> Case:
    """One patient; that nothing is drawn is a mask too, where all slices are labelled as free of blood."""
    name = f"{number:03d}"
    looked_at = bool(set(found.drawn) & set(found.brain)) or told.get("any") is False
    return Case(
        case=name,
        patient=name,
        files=(folder,),
        slice_labels=rows.by_key(number),
        scan_labels=told,
        masks={"": find_child(folder, "brain") or folder} if looked_at else {},
        identifiers={"physionet_ct_ich": name},
        hints=rows.hints(number),
    )


def _left_out(name: str, found: Pictures) -> list[Skipped]:
    if not found.brain:
        return [Skipped(name, "no pictures in its folder brain/")]
    skipped = [Skipped(f"{name}/{file}", "not named N.jpg, or a second one of its number") for file in found.others]
    alone = {"a drawing without its picture": found.drawn, "a bone window without its brain window": found.bone}
    return skipped + [
        Skipped(f"{name}/{files[number].parent.name}/{files[number].name}", why)
        for why, files in alone.items()
        for number in sorted(set(files) - set(found.brain))
    ]


def _is_off_by_one(found: Pictures, labels: Mapping[int, tuple[int, ...]]) -> bool:
    """Whether either counts from 0 and the other does not, so that each label would fall on a neighbour."""
    return bool(labels) and bool(found.brain) and (0 in labels) != (0 in found.brain)


def _compare(pictures: Mapping[int, Pictures], rows: SliceRows) -> list[str]:
    """Notes on patients, pictures, rows and drawings that lack each other."""
    without_row, without_picture, gaps, undrawn = [], [], [], []
    for number, found in sorted(pictures.items()):
        labels = rows.labels.get(number, {})
        bleeding = {key for key, values in labels.items() if values[0] == 1}
        without_row += [f"{number:03d}:{key}" for key in sorted(set(found.brain) - set(labels))]
        without_picture += [f"{number:03d}:{key}" for key in sorted(set(labels) - set(found.brain))]
        gaps += [f"{number:03d}:{key}" for key in range(1, max(found.brain, default=0)) if key not in found.brain]
        undrawn += [f"{number:03d}:{key}" for key in sorted(bleeding & set(found.brain) - set(found.drawn))]
    tellers = {
        f"{len(set(pictures) & PATIENTS)} of {len(PATIENTS)} published patients are here, missing": three_digits(
            PATIENTS - set(pictures)
        ),
        "patients that were not published": three_digits(set(pictures) - PATIENTS),
        f"{len(without_row)} pictures without a row": without_row,
        f"{len(without_picture)} rows without a picture are left out": without_picture,
        f"{len(gaps)} pictures are missing before others, their gap is kept": gaps,
        f"{len(undrawn)} bleeding slices without a drawing": undrawn,
        "labelled patients without pictures": three_digits(set(rows.labels) - set(pictures)),
    }
    return noted(tellers)

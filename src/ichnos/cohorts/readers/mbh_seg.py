"""MBH-Seg 2025, also MR-BHSD: scans of RSNA 2019 with the masks of up to five raters, and weak labels.

    MBH_Train_2025_voxel-label/ID_<patient>_ID_<study>/image.nii.gz, label_annot_1.nii.gz, ...
    MBH_Val_2025_voxel-label/...
    MBH_Train_2025_case-label/ID_<patient>_ID_<study>.nii.gz     without masks
    *.csv with patientID_studyID, any, epidural, ...             labels of those scans as a whole

Classes of masks are those of BHSD.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from ichnos.cohorts.case import Case, Cohort, Skipped
from ichnos.cohorts.readers.bhsd import CLASSES, LICENCE
from ichnos.cohorts.readers.drawn import MAJORITY, check_rater, load_drawn
from ichnos.cohorts.readers.layout import check_case_name, few, list_nifti, nifti_stem, places_around, visible
from ichnos.cohorts.readers.rsna_names import patients_note, with_rsna_patient
from ichnos.cohorts.readers.tables import HEADER_WITHIN, plain, read_cells, read_table, read_yes_no
from ichnos.cohorts.slice_store import LABELS
from ichnos.errors import CohortError

NAME_COLUMN = "patientID_studyID"
IMAGE = re.compile(r"image\.nii(\.gz)?$", re.IGNORECASE)
RATER = re.compile(r"label_annot_?(\w+)\.nii(\.gz)?$", re.IGNORECASE)
WHOLE_SCANS = re.compile(r"case[-_ ]?label", re.IGNORECASE)
SPLIT = re.compile(r"(train|val|test)", re.IGNORECASE)


def open_mbh_seg(root: Path, *, rater: str = MAJORITY) -> Cohort:
    """List the scans of MBH-Seg 2025, of all its parts that lie below `root`.

    Args:
        root: a part, or the folder that holds the parts.
        rater: whose masks to take, `1` for `label_annot_1`; what more than half drew by default.

    Raises:
        CohortError: none of its parts is there; tables that cannot be understood.
        UsageError: nobody of the rater's name drew.
    """
    if not root.is_dir():
        raise CohortError(f"{root}: is not a folder; unpack the collection and give its folder")
    skipped: list[Skipped] = []
    drawn = _drawn(root, skipped)
    labels = _scan_labels(root, skipped)
    whole = _whole(root, skipped)
    cases: dict[str, Case] = {}
    for case in (*drawn, *whole):
        if case.case in cases:
            skipped.append(Skipped(str(case.files[0]), f"case {case.case} also is {cases[case.case].files[0]}"))
        else:
            cases[case.case] = replace(with_rsna_patient(case), scan_labels=labels.get(case.case.lower(), {}))
    if not cases:
        raise CohortError(f"{root}: holds no folder with image.nii.gz and label_annot_1.nii.gz; is it MBH-Seg 2025?")
    found = tuple(cases[name] for name in sorted(cases))
    strangers = sorted(labels.keys() - {case.case.lower() for case in found})
    notes = [f"{len(strangers)} row(s) of tables have no scan: {few(strangers)}"] if strangers else []
    notes += [*_unlabelled_note(found), *patients_note(found)]
    load = partial(load_drawn, classes=CLASSES, rater=check_rater(found, rater))
    return Cohort("mbh-seg", root, LICENCE, found, load, tuple(skipped), tuple(notes))


def _drawn(root: Path, skipped: list[Skipped]) -> list[Case]:
    cases = []
    for folder in _folders(root):
        files = [child for child in visible(folder) if not child.is_dir()]
        images = [file for file in files if IMAGE.match(file.name)]
        masks = {found[1]: file for file in files if (found := RATER.match(file.name))}
        if not images and not masks:
            continue
        if len(images) != 1:
            skipped.append(Skipped(str(folder), f"holds {len(images)} files image.nii.gz instead of one"))
            continue
        skipped += [
            Skipped(str(file), "neither image nor mask") for file in files if file not in (*images, *masks.values())
        ]
        hints = _hints(folder.parent)
        name = check_case_name(folder.name, str(folder))
        cases.append(Case(name, name, (images[0],), masks=masks, hints=hints))
    return cases


def _folders(root: Path) -> Iterator[Path]:
    for place in places_around(root):
        yield place
    for place in places_around(root):
        if place.parent.parent == root and place != root:
            yield from (child for child in visible(place) if child.is_dir())


def _whole(root: Path, skipped: list[Skipped]) -> list[Case]:
    cases = []
    for place in places_around(root):
        if not WHOLE_SCANS.search(place.name) and not (WHOLE_SCANS.search(place.parent.name) and place != root):
            continue
        files, others = list_nifti(place)
        skipped += [other for other in others if not other.name.lower().endswith(".csv")]
        for file in files:
            name = check_case_name(nifti_stem(file), str(file))
            cases.append(Case(name, name, (file,), hints=_hints(place)))
    return cases


def _scan_labels(root: Path, skipped: list[Skipped]) -> dict[str, dict[str, bool]]:
    """Labels of whole scans by name in lower case, from every table that has the column of names."""
    told: dict[str, dict[str, bool]] = {}
    for path in sorted({file for place in places_around(root) for file in visible(place)}):
        if path.suffix.lower() != ".csv":
            continue
        if not any(plain(NAME_COLUMN) in map(plain, cells) for _, cells in read_cells(path)[:HEADER_WITHIN]):
            skipped.append(Skipped(str(path), f"a table without a column {NAME_COLUMN}, so its labels are not used"))
            continue
        for row in read_table(path, [NAME_COLUMN]).rows:
            own = told.setdefault(row[NAME_COLUMN].lower().removesuffix(".gz").removesuffix(".nii"), {})
            for label in LABELS:
                yes = read_yes_no(row, label)
                if yes is not None and own.setdefault(label, yes) is not yes:
                    raise row.error(label, f"contradicts an earlier row of {row[NAME_COLUMN]}; correct one of them")
    return told


def _hints(place: Path) -> dict[str, str]:
    found = SPLIT.search(place.name)
    return {"split": found[1].lower()} if found else {}


def _unlabelled_note(cases: tuple[Case, ...]) -> list[str]:
    without = [case.case for case in cases if not case.masks and not case.scan_labels]
    return [f"{len(without)} scan(s) have neither masks nor labels: {few(without)}"] if without else []

"""RSNA 2019 Intracranial Hemorrhage Detection (Kaggle, stages 1 and 2): slices in one heap, labels in one table.

    stage_2_train/ID_63eb1e259.dcm   one file a slice; names tell nothing
    stage_2_train.csv                ID,Label: six rows a slice

Slices are grouped by SeriesInstanceUID and ordered by their position. An image that cannot be read is
left out and named; its series is kept, and `read_scan` tells of the gap.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from ichnos.cohorts.case import Case, Cohort, LabelledScan, Skipped
from ichnos.cohorts.readers.labelling import join_labels, label_scan
from ichnos.cohorts.readers.layout import check_case_name, find_folder, places_around, subfolders, visible
from ichnos.cohorts.readers.rsna_index import ImageHeader, index_headers
from ichnos.cohorts.readers.rsna_labels import ImageLabels, read_image_labels
from ichnos.errors import CohortError, GeometryError
from ichnos.scans import read_scan

LICENCE = "RSNA / Kaggle competition terms: non-commercial research, citation required, no redistribution"

STAGES = {
    "stage_2_train": "stage_2_train.csv",
    "stage_1_train": "stage_1_train.csv",
    "stage_2_train_images": "stage_2_train.csv",
    "stage_1_train_images": "stage_1_train.csv",
}
"""Folders of labelled images, the better first, and their tables."""

KNOWN_IMAGES = {"stage_2_train": 752_803}

BLANK = "blank slices"
LEFT_OUT = "images left out while listing"
ORPHANS = "labels of images that are not slices of the scan"


@dataclass(frozen=True, slots=True)
class _Image:
    """One file with its row.

    Attributes:
        header: of the file.
        labels: six values; None where the table has no row, or where it is not known which.
        problem: why the image cannot be used; empty if it can.
        doubt: why its labels cannot be used; empty if they can.
        rows: images of the table that it may be.
    """

    header: ImageHeader
    labels: tuple[int, ...] | None
    problem: str
    doubt: str
    rows: tuple[str, ...]


def open_rsna(root: Path, *, cache: Path | None = None, workers: int = 1) -> Cohort:
    """List the series of RSNA 2019.

    Args:
        root: the folder of the competition, one or two levels above it, or its folder of images.
        cache: file that keeps the headers found, so that the pass over 752,803 of them is done once.
        workers: processes that read headers.

    Raises:
        CohortError: no folder of images or no table; a table that cannot be understood, or of other images.
    """
    folder, table = _find(root)
    told = read_image_labels(table)
    images = [_judge(header, told.labels) for header in index_headers(folder, cache=cache, workers=workers)]
    cases, refused = _group(folder, images)
    if not cases:
        first = next((f" ({image.header.name}: {image.problem})" for image in images if image.problem), "")
        raise CohortError(f"{folder}: no series among {len(images)} files can be used{first}; is it the right folder?")
    if not any(image.rows for image in images):
        raise CohortError(f"{table}: has no row for any of the {len(images)} files in {folder}; is it their table?")
    skipped = [Skipped(image.header.name, why) for image in images for why in (image.problem, image.doubt) if why]
    skipped += [Skipped(name, "its rows contradict each other; its labels are not used") for name in told.contradicted]
    notes = (*_notes(folder.name.lower(), images, told, cases), *_other_stages(folder))
    return Cohort("rsna-2019", folder.parent, LICENCE, tuple(cases), load_rsna, (*skipped, *refused), notes)


def load_rsna(case: Case) -> LabelledScan:
    """Decode a series; labels are joined by SOPInstanceUID.

    Raises:
        ScanError: slices that do not form one stack, or cannot be decoded.
    """
    scan = read_scan(case.files)
    keys = scan.source.instance_uids
    if len(set(keys)) < len(keys):
        raise GeometryError(f"{case.case}: two slices have one SOPInstanceUID, so their labels are not known apart")
    labels, orphans = join_labels(case.slice_labels, keys)
    blank = int((np.ptp(scan.voxels_hu, axis=(1, 2)) == 0).sum())
    counts = {BLANK: blank, ORPHANS: len(orphans), LEFT_OUT: int(case.hints.get("left_out", "0"))}
    repairs = dict(scan.repairs) | {what: count for what, count in counts.items() if count}
    return label_scan(case, replace(scan, repairs=repairs), labels, None)


def _find(root: Path) -> tuple[Path, Path]:
    """The folder of images and its table."""
    if root.is_file():
        raise CohortError(f"{root}: is a file; unpack it and give the folder")
    found = [root] if root.name.lower() in STAGES else []
    for place in places_around(root):
        folder = find_folder(place, tuple(STAGES))
        found += [folder] if folder else []
    if not found:
        raise CohortError(f"{root}: holds no folder {' or '.join(STAGES)}; give the folder of RSNA 2019")
    images = min(found, key=lambda folder: list(STAGES).index(folder.name.lower()))
    wanted = STAGES[images.name.lower()]
    for place in (images.parent, images.parent.parent, images):
        tables = [child for child in visible(place) if child.name.lower() == wanted]
        if tables:
            return images, tables[0]
    raise CohortError(f"{images.parent}: holds no {wanted}, the table with the labels of {images.name}; put it there")


def _other_stages(folder: Path) -> list[str]:
    others = [other.name for other in subfolders(folder.parent) if other.name.lower() in STAGES and other != folder]
    return [f"{', '.join(others)} lies beside {folder.name} and was not read"] if others else []


def _judge(header: ImageHeader, labels: Mapping[str, tuple[int, ...]]) -> _Image:
    """Find the row of an image by its name, or by its SOPInstanceUID, which should be the same."""
    name = PurePosixPath(header.name).name.lower().removesuffix(".dcm")
    rows = [key for key in dict.fromkeys((name, header.instance.lower())) if key in labels]
    missing = [what for what in ("series", "instance") if not getattr(header, what)]
    problem = header.problem or (f"has no {' or '.join(missing)} UID" if missing else "")
    several = len(rows) > 1 and labels[rows[0]] != labels[rows[1]]
    doubt = (
        f"its name and its SOPInstanceUID {header.instance} have different labels; neither is used" if several else ""
    )
    known = None if several or not rows else labels[rows[0]]
    return _Image(header, known, problem, doubt, tuple(rows))


def _group(folder: Path, images: Sequence[_Image]) -> tuple[list[Case], list[Skipped]]:
    groups: dict[str, list[_Image]] = defaultdict(list)
    for image in images:
        if image.header.series:
            groups[image.header.series].append(image)
    cases, refused = [], []
    for series, group in sorted(groups.items()):
        why = _why_not(group)
        if why:
            refused.append(Skipped(series, why))
        else:
            cases.append(_case(folder, series, group))
    return cases, refused


def _why_not(group: Sequence[_Image]) -> str:
    """Why a series cannot be a case; empty if it can."""
    usable = [image for image in group if not image.problem]
    patients = {image.header.patient for image in usable}
    labels: dict[str, tuple[int, ...] | None] = {}
    clashing = [
        image.header.name for image in usable if labels.setdefault(image.header.instance, image.labels) != image.labels
    ]
    reasons = {
        f"none of its {len(group)} images can be used": not usable,
        f"its images name {len(patients)} patients": len(patients) > 1,
        f"images with one SOPInstanceUID have different labels: {', '.join(clashing[:3])}": bool(clashing),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _case(folder: Path, series: str, group: Sequence[_Image]) -> Case:
    usable = [image for image in group if not image.problem]
    first = usable[0].header
    identifiers = {"series_uid": series, "rsna_study": first.study, "rsna_patient": first.patient}
    left_out = len(group) - len(usable)
    return Case(
        case=check_case_name(series, str(folder / first.name)),
        patient=first.patient or series,
        files=tuple(folder / image.header.name for image in usable),
        slice_labels={image.header.instance: image.labels for image in usable if image.labels is not None},
        identifiers={name: value for name, value in identifiers.items() if value},
        hints={"split": "train"} | ({"left_out": str(left_out)} if left_out else {}),
    )


def _notes(stage: str, images: Sequence[_Image], told: ImageLabels, cases: Sequence[Case]) -> tuple[str, ...]:
    known = KNOWN_IMAGES.get(stage, len(images))
    without_file = len(told.labels) - len({row for image in images for row in image.rows})
    counts = {
        f"{stage} is known to hold {known:,} images; found {len(images):,}": known != len(images),
        "{} row(s) of the table repeat another and were dropped": told.repeated_rows,
        "{} image(s) have no row in the table; their labels are unknown": sum(not image.rows for image in images),
        "{} image(s) of the table have no file": without_file,
        "{} image(s) of the table do not have all six rows; what is missing is unknown": told.incomplete,
        "{} image(s) of the table have an `any` that is not what their subtypes say; kept as told": told.illogical,
        "{} series name no patient; each is taken as a patient": sum(case.patient == case.case for case in cases),
    }
    return tuple(text.format(f"{count:,}") for text, count in counts.items() if count)

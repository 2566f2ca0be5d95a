"""CQ500 (Chilamkurthy et al., Lancet 2018): 491 head CT studies, each read by three radiologists.

    CQ500-CT-N.zip, or unpacked             CQ500CTN CQ500CTN/Unknown Study/SERIES/CT000000.dcm
    reads.csv                               a row a study; columns R1:ICH ... R3:MidlineShift

A finding is told where at least two of the three readers agree. With one reading missing and the
other two split it is not told.
"""

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ichnos.cohorts.case import Case, Cohort, LabelledScan, Skipped
from ichnos.cohorts.readers.labelling import label_scan, unknown_labels
from ichnos.cohorts.readers.layout import visible
from ichnos.cohorts.readers.notes import noted
from ichnos.cohorts.readers.places import find_child, find_place
from ichnos.cohorts.readers.tables import Row, plain, read_table, read_yes_no
from ichnos.errors import CohortError
from ichnos.scans import read_scan

NAME = "cq500"
LICENCE = "CC BY-NC-SA 4.0; cite doi:10.1016/S0140-6736(18)31645-3"
STUDIES = 491
MAJORITY = 2
"""Of three readers."""

LABEL_OF = {
    "ICH": "any",
    "EDH": "epidural",
    "IPH": "intraparenchymal",
    "IVH": "intraventricular",
    "SAH": "subarachnoid",
    "SDH": "subdural",
}
"""CQ500's word for each label."""

OTHER_FINDINGS = (
    *("BleedLocation-Left", "BleedLocation-Right", "ChronicBleed", "Fracture", "CalvarialFracture", "OtherFracture"),
    *("MassEffect", "MidlineShift"),
)
"""What becomes a hint."""

STUDY = re.compile(r"CQ500[-_ ]*CT[-_ ]*0*(\d+)(?:[-_ ]+CQ500[-_ ]*CT[-_ ]*0*\1)?( *\(\d+\))?", re.IGNORECASE)
"""CQ500-CT-7, CQ500CT7, cq500_ct_007, `CQ500CT7 CQ500CT7`; a second download has (1) behind it."""

VOTE = re.compile(r"(?:r|reader)([123])[:.]?(.+)")
"""A plain name of a column of reads.csv."""


@dataclass(frozen=True)
class Reads:
    """What the readers say of the studies.

    Attributes:
        findings: by study number, findings by CQ500's word for them; those that were not told are missing.
        batches: B1 or B2 by study number.
        notes: what was odd.
    """

    findings: Mapping[int, Mapping[str, bool]]
    batches: Mapping[int, str]
    notes: tuple[str, ...] = ()


def study_number(name: str) -> int | None:
    """The number of a study by the name of its folder, its row, or its file without .zip; None if it is none."""
    match = STUDY.fullmatch(name.strip())
    return int(match[1]) if match else None


def study_name(number: int) -> str:
    """How ichnos calls a study, also among the identifiers of a case."""
    return f"CQ500-CT-{number}"


def open_cq500(root: Path) -> Cohort:
    """List the studies at or below `root`, zipped or not; a zip is read where it lies.

    Where a study is there more than once, its zip is taken and the others are told.

    Raises:
        CohortError: no study or no `reads.csv` is there, or the table cannot be understood.
    """
    found, skipped = find_studies(root)
    if not found:
        raise CohortError(f"{root}: no CQ500-CT-<number> there, zipped or unpacked; give the folder of CQ500")
    place = find_place(root, "reads.csv")
    table = find_child(place, "reads.csv") if place else None
    if table is None:
        raise CohortError(f"{root}: no reads.csv; download it beside the studies")
    reads = read_reads(table)
    return Cohort(
        name=NAME,
        root=root,
        licence=LICENCE,
        cases=tuple(sorted((_case(number, path, reads) for number, path in found.items()), key=lambda case: case.case)),
        load=load_cq500,
        skipped=tuple(skipped),
        notes=(*reads.notes, *_compare(found, reads)),
    )


def load_cq500(case: Case) -> LabelledScan:
    """Read the plain thin head series of a study; `scan.source.series_choice` says which one and why.

    Slices are labelled only as far as the study tells: without a finding in the study, none has it.

    Raises:
        ScanError: as in `read_scan`.
    """
    scan = read_scan(case.files[0])
    return label_scan(case, scan, unknown_labels(len(scan.voxels_hu)), None)


def find_studies(root: Path, depth: int = 3) -> tuple[dict[int, Path], list[Skipped]]:
    """Zips and folders of studies by number, and what is left out though it seems to belong to CQ500."""
    sources: dict[int, list[Path]] = {}
    skipped = []
    level = visible(root) if root.is_dir() else []
    for _ in range(depth + 1):
        below: list[Path] = []
        for path in level:
            number = study_number(path.stem if _is_zip(path) else path.name)
            if number is not None and (path.is_dir() or _is_zip(path)):
                sources.setdefault(number, []).append(path)
            elif path.is_dir():
                below += visible(path)
            if (number is None or path.is_file()) and (why := _why_strange(path, number)):
                skipped.append(Skipped(str(path.relative_to(root)), why))
        level = below
    found = {}
    for number, paths in sorted(sources.items()):
        first, *copies = sorted(paths, key=lambda path: (path.is_dir(), "(" in path.name, str(path)))
        skipped += [Skipped(str(path.relative_to(root)), f"{first.name} is taken for this study") for path in copies]
        others = _other_studies(first) - {number}
        if others:
            inside = ", ".join(study_name(other) for other in sorted(others))
            skipped.append(Skipped(str(first.relative_to(root)), f"holds {inside}; whose labels it has is unclear"))
        else:
            found[number] = first
    return found, skipped


def read_reads(path: Path) -> Reads:
    """Read the votes and take what at least two of three readers say.

    A study with two rows that say the same counts once; otherwise nothing is told of it.

    Raises:
        CohortError: columns are missing or there twice, or a vote is neither yes nor no.
    """
    table = read_table(path, ["name"])
    columns = _vote_columns(path, table.columns)
    findings: dict[int, Mapping[str, bool]] = {}
    batches: dict[int, str] = {}
    repeated, contrary, strange = set(), set(), []
    for row in table.rows:
        number = study_number(row["name"])
        if number is None:
            strange.append(row["name"])
            continue
        told = {name: majority for name, votes in columns.items() if (majority := _majority(row, votes)) is not None}
        repeated |= {study_name(number)} if number in findings else set()
        contrary |= {study_name(number)} if findings.get(number, told) != told else set()
        findings[number] = {} if study_name(number) in contrary else told
        batches[number] = row.get("Category").upper()
    notes = noted(
        {
            f"{path.name}: studies with two rows that say the same": sorted(repeated - contrary),
            f"{path.name}: studies with rows that contradict each other, nothing is told of them": sorted(contrary),
            f"{path.name}: {len(strange)} rows that are no study were passed over": strange,
        }
    )
    return Reads(findings, batches, tuple(notes))


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _why_strange(path: Path, number: int | None) -> str | None:
    """Why something that is no study seems to belong to one; None if it does not seem so."""
    if path.is_dir():
        loose = any(child.suffix.lower() == ".dcm" for child in visible(path))
        return "DICOM files, but no folder CQ500-CT-<number>" if loose else None
    if _is_zip(path):
        return None if number is not None else "not named CQ500-CT-<number>.zip"
    return "neither a zip nor a folder" if STUDY.match(path.name) else None


def _vote_columns(path: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """By finding, the columns of its readers."""
    words = {plain(word): word for word in (*LABEL_OF, *OTHER_FINDINGS)}
    columns: dict[str, dict[str, str]] = {}
    for name in names:
        match = VOTE.fullmatch(plain(name))
        if match and match[2] in words:
            readers = columns.setdefault(words[match[2]], {})
            if match[1] in readers:
                raise CohortError(f"{path}: columns {readers[match[1]]} and {name} are the same; keep one")
            readers[match[1]] = name
    absent = [word for word in LABEL_OF if len(columns.get(word, {})) < MAJORITY]
    if absent:
        raise CohortError(f"{path}: fewer than two readers' columns for {', '.join(absent)} (R1:ICH, R2:ICH, ...)")
    return {word: list(readers.values()) for word, readers in columns.items()}


def _majority(row: Row, columns: Sequence[str]) -> bool | None:
    votes = [read_yes_no(row, column) for column in columns]
    return next((answer for answer in (True, False) if votes.count(answer) >= MAJORITY), None)


def _other_studies(path: Path) -> set[int]:
    """Numbers of studies that the folders inside are named after; none where a zip cannot be opened."""
    if path.is_dir():
        names = {child.name for child in visible(path)}
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                names = {
                    part for name in archive.namelist() for part in PurePosixPath(name.replace("\\", "/")).parts[:2]
                }
        except (zipfile.BadZipFile, OSError):  # loading will tell
            return set()
    return {number for name in names if (number := study_number(name)) is not None}


def _case(number: int, path: Path, reads: Reads) -> Case:
    findings = reads.findings.get(number, {})
    batch = reads.batches.get(number)
    others = {word: "yes" if findings[word] else "no" for word in OTHER_FINDINGS if word in findings}
    return Case(
        case=study_name(number),
        patient=study_name(number),
        files=(path,),
        scan_labels={label: findings[word] for word, label in LABEL_OF.items() if word in findings},
        identifiers={"cq500": study_name(number)},
        hints=({"batch": batch} if batch else {}) | others,
    )


def _compare(found: Mapping[int, Path], reads: Reads) -> list[str]:
    at_odds = [
        study_name(number)
        for number, told in sorted(reads.findings.items())
        if told.get("ICH") is False and any(told.get(word) for word in LABEL_OF)
    ]
    unread, unseen = sorted(set(found) - set(reads.findings)), sorted(set(reads.findings) - set(found))
    count = [] if len(found) == STUDIES else [f"{len(found)} of {STUDIES} published studies are here"]
    return count + noted(
        {
            "studies that nobody read": [study_name(number) for number in unread],
            f"{len(unseen)} studies were read but are not here": [study_name(number) for number in unseen],
            "the majority sees a subtype, but no hemorrhage": at_odds,
        }
    )

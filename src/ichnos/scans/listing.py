"""Which scans a user means by one path: one scan, a folder of scans, or a CSV list."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ichnos.errors import ScanNotFoundError, UsageError
from ichnos.scans.dicom_headers import pydicom_silenced, read_dataset

_NIFTI = (".nii", ".nii.gz")

TRUTH = "truth"
"""The folder in which `ichnos phantom` puts masks and labels, beside `scans`."""


@dataclass(frozen=True)
class ListedScan:
    """One scan to read.

    Attributes:
        case: a name for results, unique in its list; from the file, the folder or the CSV.
        path: what to give to `read_scan`.
    """

    case: str
    path: Path


def list_scans(path: Path) -> list[ListedScan]:
    """Scans under `path`, sorted by name.

    - a file is one scan, unless it ends in .csv: then each row names one in its column `scan`
      (relative paths count from the CSV's folder) and, if there is a column `case`, its name;
    - a folder with NIfTI files or zips in it holds one scan each;
    - a folder with `scans` beside `truth` in it, as `ichnos phantom` makes, holds its scans in `scans`;
    - a folder whose subfolders hold different studies, NIfTI files or zips holds one scan a subfolder;
    - any other folder is one scan: a DICOM series, or a study of which one series is chosen.

    Raises:
        ScanNotFoundError: nothing is there.
        UsageError: a CSV that cannot be read, or without a column `scan`; two cases of one name;
            a case name that cannot name a folder.
    """
    if not path.exists():
        raise ScanNotFoundError(f"{path} does not exist; check the path given with -i")
    if path.is_file() and path.suffix.lower() == ".csv":
        listed = _read_csv(path)
    elif path.is_file():
        listed = [ListedScan(case_name(path), path)]
    else:
        listed = _list_folder(path)
    names = [scan.case for scan in listed]
    odd = [name for name in names if name in {".", ".."} or set(name) & set("/\\\0")]
    if odd:
        raise UsageError(f"{path}: case {odd[0]!r} cannot name a folder of results; leave out / and \\")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"{path}: {len(twice)} case names stand for several scans ({', '.join(twice[:3])}); "
            "list them in a CSV with columns case,scan"
        )
    return listed


def case_name(path: Path) -> str:
    """Name of a file without .nii, .nii.gz, .zip or .dcm; name of a folder as it is.

    A link keeps its own name: what it points to may be called by its hash.
    """
    name = path.name if path.name not in {"", ".."} else path.resolve().name
    for ending in (".nii.gz", ".nii", ".zip", ".dcm"):
        if path.is_file() and name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def _list_folder(folder: Path) -> list[ListedScan]:
    try:
        children = sorted(child for child in folder.iterdir() if not child.name.startswith((".", "__MACOSX")))
    except PermissionError as error:
        raise ScanNotFoundError(f"{folder}: no permission to read it; ask for access or copy it elsewhere") from error
    files = [child for child in children if child.name.lower().endswith((*_NIFTI, ".zip"))]
    if files:
        return [ListedScan(case_name(file), file) for file in files]
    folders = [child for child in children if child.is_dir()]
    if {child.name for child in folders} == {"scans", TRUTH}:
        return _list_folder(folder / "scans")
    if len(folders) == len(children) == 1:
        return _as_case(folder, _list_folder(folders[0]))
    studies = {child: study for child in folders if (study := _study_of(child)) is not None}
    if len(set(studies.values())) > 1:
        return [scan for child in studies for scan in _as_case(child, _list_folder(child))]
    return [ListedScan(case_name(folder), folder)]


def _as_case(folder: Path, inner: list[ListedScan]) -> list[ListedScan]:
    """The scans in a folder; a single one is named after the folder, and is all of it unless it is a file."""
    if len(inner) > 1:
        return inner
    return [ListedScan(case_name(folder), inner[0].path if inner[0].path.is_file() else folder)]


def _study_of(folder: Path) -> str | None:
    """StudyInstanceUID of the first DICOM file in a folder; its own path for NIfTI or zip; else None."""
    for file in _walk(folder):
        if file.name.lower().endswith((*_NIFTI, ".zip")):
            return str(folder)
        try:
            with file.open("rb") as stream, pydicom_silenced():
                header = read_dataset(stream, stop_before_pixels=True, specific_tags=["StudyInstanceUID"])
        except Exception:  # the parser raises many kinds on corrupt bytes; `read_scan` will tell
            continue
        return str(header.get("StudyInstanceUID", folder))
    return None


def _walk(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))


def _read_csv(path: Path) -> list[ListedScan]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            columns, rows = list(reader.fieldnames or ()), list(reader)
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise UsageError(f"{path} cannot be read as CSV in UTF-8: {error}") from error
    if "scan" not in columns:
        found = ", ".join(columns) or "none"
        raise UsageError(f"{path} needs a column `scan` with one path a row; its columns are: {found}")
    rows = [row for row in rows if (row["scan"] or "").strip()]
    if not rows:
        raise ScanNotFoundError(f"{path} lists no scan; give one path a row in its column `scan`")
    scans = [path.parent / row["scan"].strip() for row in rows]
    return [
        ListedScan((row.get("case") or "").strip() or case_name(scan), scan)
        for row, scan in zip(rows, scans, strict=True)
    ]

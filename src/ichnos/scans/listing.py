"""Which scans a user means by one path: one scan, a folder of scans, or a CSV list."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from ichnos.errors import ScanNotFoundError, UsageError

_NIFTI = (".nii", ".nii.gz")


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
    - a folder whose subfolders belong to different studies holds one scan a subfolder;
    - any other folder is one scan: a DICOM series, or a study of which one series is chosen.

    Raises:
        ScanNotFoundError: nothing is there.
        UsageError: a CSV without a column `scan`, or two cases of one name.
    """
    if not path.exists():
        raise ScanNotFoundError(f"{path} does not exist; check the path given with -i")
    if path.suffix.lower() == ".csv":
        listed = _read_csv(path)
    elif path.is_file():
        listed = [ListedScan(case_name(path), path)]
    else:
        listed = _list_folder(path)
    names = [scan.case for scan in listed]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"{path}: {len(twice)} case names stand for several scans ({', '.join(twice[:3])}); "
            "list them in a CSV with columns case,scan"
        )
    return listed


def case_name(path: Path) -> str:
    """Name of a file without .nii, .nii.gz or .zip; name of a folder as it is."""
    name = path.resolve().name
    for ending in (".nii.gz", ".nii", ".zip", ".dcm"):
        if path.is_file() and name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def _list_folder(folder: Path) -> list[ListedScan]:
    children = sorted(child for child in folder.iterdir() if not child.name.startswith((".", "__MACOSX")))
    files = [child for child in children if child.name.lower().endswith((*_NIFTI, ".zip"))]
    if files:
        return [ListedScan(case_name(file), file) for file in files]
    folders = [child for child in children if child.is_dir()]
    if len(folders) == len(children) == 1:
        inner = _list_folder(folders[0])
        return inner if len(inner) > 1 else [ListedScan(case_name(folder), folder)]
    studies = {child: _study_of(child) for child in folders} if len(folders) > 1 else {}
    if len(set(studies.values())) > 1:
        return [ListedScan(case_name(child), child) for child in folders]
    return [ListedScan(case_name(folder), folder)]


def _study_of(folder: Path) -> str | None:
    """StudyInstanceUID of the first DICOM file in a folder; its path's own name for NIfTI."""
    for file in _walk(folder):
        if file.name.lower().endswith(_NIFTI):
            return str(folder)
        try:
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["StudyInstanceUID"])
        except (InvalidDicomError, OSError):
            continue
        return str(header.get("StudyInstanceUID", folder))
    return None


def _walk(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))


def _read_csv(path: Path) -> list[ListedScan]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        if "scan" not in (reader.fieldnames or ()):
            found = ", ".join(reader.fieldnames or ()) or "none"
            raise UsageError(f"{path} needs a column `scan` with one path a row; its columns are: {found}")
        rows = [row for row in reader if (row["scan"] or "").strip()]
    if not rows:
        raise ScanNotFoundError(f"{path} lists no scan; give one path a row in its column `scan`")
    scans = [path.parent / row["scan"].strip() for row in rows]
    return [
        ListedScan((row.get("case") or "").strip() or case_name(scan), scan)
        for row, scan in zip(rows, scans, strict=True)
    ]

"""Folders as other people filled them: which files count, and which belong together."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ichnos.cohorts.case import Skipped
from ichnos.errors import CohortError
from ichnos.scans.inputs import is_junk
from ichnos.scans.nifti import is_nifti

AFFIXES = re.compile(r"_(0000|seg|segmentation|mask|label|gt|ich_?mask|image|ct)$")
"""What masks and images of one case add to its name, in lower case."""


def visible(folder: Path) -> list[Path]:
    """What lies in a folder, sorted by name, without what macOS, Windows and hidden files leave there.

    Raises:
        CohortError: it may not be read.
    """
    try:
        return sorted(child for child in folder.iterdir() if not is_junk(child.name))
    except OSError as error:
        raise CohortError(f"{folder}: cannot be listed ({error.strerror}); check the path and permissions") from error


def subfolders(folder: Path) -> list[Path]:
    """Folders in a folder, sorted by name, without hidden ones; quick where there are very many files.

    Raises:
        CohortError: it may not be read.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir() and not is_junk(entry.name))
    except OSError as error:
        raise CohortError(f"{folder}: cannot be listed ({error.strerror}); check the path and permissions") from error


def find_folder(base: Path, names: Sequence[str]) -> Path | None:
    """The subfolder of one of these names, whatever its capitals; earlier names come first.

    Raises:
        CohortError: two folders differ in capitals only.
    """
    folders = subfolders(base) if base.is_dir() else []
    for name in names:
        found = [folder for folder in folders if folder.name.lower() == name.lower()]
        if len(found) > 1:
            raise CohortError(f"{base}: holds {found[0].name} and {found[1].name}; keep the right one")
        if found:
            return found[0]
    return None


def places_around(root: Path) -> list[Path]:
    """Where a collection may start if `root` is a folder too high: itself, one level down, two levels down."""
    inner = subfolders(root) if root.is_dir() else []
    return [root, *inner, *(innermost for child in inner for innermost in subfolders(child))]


def nifti_stem(path: Path) -> str:
    """The name without .nii or .nii.gz."""
    return re.sub(r"\.nii(\.gz)?$", "", path.name, flags=re.IGNORECASE)


def list_nifti(folder: Path) -> tuple[list[Path], list[Skipped]]:
    """NIfTI files of a folder, and what else lies there."""
    files = [child for child in visible(folder) if not child.is_dir()]
    others = [Skipped(str(file), "not a NIfTI file") for file in files if not is_nifti(file)]
    broken = [Skipped(str(file), "a link to nothing") for file in files if is_nifti(file) and not file.exists()]
    return [file for file in files if is_nifti(file) and file.exists()], others + broken


def case_key(path: Path) -> str:
    """What the files of a case share: the name without capitals, endings like `_0000`, and zeros in front.

    Example:
        >>> [case_key(Path(name)) for name in ("007.nii.gz", "7_seg.NII", "Case_3_0000.nii.gz")]
        ['7', '7', 'case_3']
    """
    stem = nifti_stem(path).strip().lower()
    while (shorter := AFFIXES.sub("", stem)) != stem and shorter:
        stem = shorter
    return str(int(stem)) if stem.isascii() and stem.isdigit() else stem


def by_key(files: Iterable[Path]) -> dict[str, Path]:
    """Files by what they share with other files of their case.

    Raises:
        CohortError: two files stand for one case.
    """
    found: dict[str, Path] = {}
    for file in files:
        other = found.setdefault(case_key(file), file)
        if other is not file:
            raise CohortError(f"{other} and {file.name} stand for the same case; keep one of them")
    return found


def few(names: Sequence[str], most: int = 3) -> str:
    """The first names and how many more there are.

    Example:
        >>> few(["a", "b", "c", "d", "e"])
        'a, b, c and 2 more'
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def check_case_name(name: str, where: str) -> str:
    """Give back a name that can name a folder of results.

    Raises:
        CohortError: it cannot.
    """
    if not name or name in {".", ".."} or set(name) & set('/\\\0:*?"<>|') or not name.isprintable():
        raise CohortError(f"{where}: case {name!r} cannot name a folder of results; use letters, digits, - _ .")
    return name

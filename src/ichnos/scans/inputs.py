"""The files that one input stands for: a file, a folder, a list of files, or a zip."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path, PurePath

from ichnos.errors import ScanNotFoundError
from ichnos.scans.archive import is_zip, zip_members

JUNK_NAMES = frozenset({"dicomdir", "thumbs.db", "desktop.ini"})
"""Names that lie beside DICOM files and hold no image; compared in lower case."""


@dataclass(frozen=True)
class InputFile:
    """A file on disk or inside a zip.

    Attributes:
        name: what messages call it.
        open: opens it for reading bytes; raises ScanError in one line if that fails.
    """

    name: str
    open: Callable[[], BufferedIOBase]


@contextmanager
def input_files(paths: Sequence[Path]) -> Iterator[list[InputFile]]:
    """List the files of an input, without the known junk; they can be opened inside the block.

    Args:
        paths: files, folders (searched to the bottom) and zips (read in place, never unpacked).

    Raises:
        ScanNotFoundError: a path does not exist, may not be read, or is an empty folder.
        ArchiveError: a zip is broken or unsafe.
    """
    with ExitStack() as stack:
        yield [file for path in paths for file in _files_of(path, stack)]


def check_exists(path: Path) -> None:
    """Raise ScanNotFoundError if there is nothing at `path` or it may not be looked at."""
    try:
        found = path.exists()
    except PermissionError as error:
        raise _not_permitted(path) from error
    if not found:
        raise ScanNotFoundError(f"{path}: no such file or folder; check the path")


def open_file(path: Path) -> BufferedIOBase:
    """Open a file on disk for reading bytes.

    Raises:
        ScanNotFoundError: it may not be read, or is gone.
    """
    try:
        return path.open("rb")
    except PermissionError as error:
        raise _not_permitted(path) from error
    except OSError as error:
        raise ScanNotFoundError(f"{path}: cannot be opened ({error.strerror}); check the path") from error


def _files_of(path: Path, stack: ExitStack) -> list[InputFile]:
    check_exists(path)
    if path.is_dir():
        return _folder_files(path)
    with open_file(path) as file:
        start = file.read(4)
    if is_zip(path, start):
        members = zip_members(path, stack)
        return [InputFile(f"{path}:{name}", opener) for name, opener in members if not is_junk(name)]
    return [_disk_file(path)]


def walk_files(folder: Path, onerror: Callable[[OSError], None] | None = None) -> Iterator[Path]:
    """All files below a folder, sorted; links to folders are followed, but no folder is entered twice.

    Args:
        folder: where to begin.
        onerror: what to do about a folder that may not be read; it is passed over by default.
    """
    entered: set[tuple[int, int]] = set()
    for parent, subfolders, names in os.walk(folder, onerror=onerror, followlinks=True):
        state = Path(parent).stat()
        if (state.st_dev, state.st_ino) in entered:
            subfolders.clear()
            continue
        entered.add((state.st_dev, state.st_ino))
        subfolders.sort()
        yield from (Path(parent, name) for name in sorted(names))


def _folder_files(folder: Path) -> list[InputFile]:
    found = list(walk_files(folder, _raise_unreadable))
    if not found:
        raise ScanNotFoundError(f"{folder}: the folder is empty; give a folder that holds a CT series")
    return [_disk_file(path) for path in found if not is_junk(path.relative_to(folder))]


def _disk_file(path: Path) -> InputFile:
    return InputFile(str(path), lambda: open_file(path))


def is_junk(name: str | PurePath) -> bool:
    """Whether a name inside a folder or zip is hidden, resource-fork or index material."""
    parts = PurePath(name).parts
    return parts[-1].lower() in JUNK_NAMES or any(part.startswith((".", "__MACOSX")) for part in parts)


def _raise_unreadable(error: OSError) -> None:
    raise _not_permitted(Path(error.filename)) from error


def _not_permitted(path: Path) -> ScanNotFoundError:
    return ScanNotFoundError(f"{path}: no permission to read it; ask for access or copy it elsewhere")

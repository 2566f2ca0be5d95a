"""Finding a collection's folders and tables whatever the case of their names and the depth they lie at."""

from collections.abc import Iterator
from pathlib import Path

from ichnos.cohorts.readers.layout import visible
from ichnos.errors import CohortError


def find_child(folder: Path, *names: str) -> Path | None:
    """The file or folder of one of these names, earlier names first, whatever their capitals.

    Raises:
        CohortError: two differ in capitals only.
    """
    inside = visible(folder)
    for name in names:
        found = [path for path in inside if path.name.lower() == name.lower()]
        if len(found) > 1:
            raise CohortError(f"{folder}: holds {found[0].name} and {found[1].name}; keep the right one")
        if found:
            return found[0]
    return None


def find_place(root: Path, name: str, depth: int = 3) -> Path | None:
    """The folder at or below `root`, nearest first, in which something is called `name`; None if there is none.

    Raises:
        CohortError: several at the same depth.
    """
    for level in levels(root, depth):
        found = [folder for folder in level if find_child(folder, name) is not None]
        if len(found) > 1:
            raise CohortError(f"{root}: {found[0]} and {found[1]} both hold {name}; give one of them")
        if found:
            return found[0]
    return None


def levels(root: Path, depth: int) -> Iterator[list[Path]]:
    """Folders at each depth down to `depth` below `root`, itself first; nothing if it is a file."""
    level = [root] if root.is_dir() else []
    for _ in range(depth + 1):
        yield level
        level = [path for folder in level for path in visible(folder) if path.is_dir()]

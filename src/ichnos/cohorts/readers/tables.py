"""Tables as other people wrote them: CSV with byte order marks, other separators, titles and footers."""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ichnos.errors import CohortError

SEPARATORS = ",;\t|"
HEADER_WITHIN = 8
"""The row with the names of the columns is looked for in so many lines."""

YES = frozenset({"1", "1.0", "yes", "y", "true", "t", "positive", "pos"})
NO = frozenset({"0", "0.0", "no", "n", "false", "f", "negative", "neg"})
UNTOLD = frozenset({"", "na", "n/a", "nan", "none", "unknown", "?", "-", "-1", "-1.0"})


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        place: how messages call it: file and line.
        cells: by the plain name of the column (see `plain`), without spaces around.
    """

    place: str
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[plain(column)]

    def get(self, column: str) -> str:
        """The cell, or nothing where the table has no such column."""
        return self.cells.get(plain(column), "")

    def error(self, column: str, problem: str) -> CohortError:
        """What is wrong in a cell, with its row and column."""
        return CohortError(f"{self.place}, column {column}: {problem}")


@dataclass(frozen=True)
class Table:
    """A table that was read whole.

    Attributes:
        path: of the file.
        columns: names as written, without spaces around.
        rows: without the blank ones.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path, needed: Sequence[str]) -> Table:
    """Read a table; the first row that names all `needed` columns is the header, what stands above is a title.

    Capitals, spaces, hyphens and underscores in names of columns make no difference.

    Raises:
        CohortError: not there, not text, empty; a needed column is missing or there twice; a row
            that has more cells than the header.
    """
    lines = read_cells(path)
    line, names = _header(path, lines, needed)
    columns = tuple(name.strip() for name in names)
    rows = [
        Row(f"{path} line {number}", dict(zip(map(plain, columns), _fitted(path, number, cells, columns), strict=True)))
        for number, cells in lines
        if number > line
    ]
    return Table(path, columns, tuple(rows))


def iterate_columns(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Stream (line number, cells of the needed columns): for tables that are too long to keep.

    The first row must be the header.

    Raises:
        CohortError: as in `read_table`.
    """
    header: list[int] | None = None
    for number, cells in _stream(path):
        if header is None:
            _, names = _header(path, [(number, cells)], needed)
            plain_names = [plain(name) for name in names]
            header = [plain_names.index(plain(name)) for name in needed]
            last = max(header)
        elif len(cells) <= last:
            raise CohortError(f"{path} line {number}: has {len(cells)} cells, fewer than the header; the file is cut")
        else:
            yield number, tuple(cells[index].strip() for index in header)
    if header is None:
        raise CohortError(f"{path}: is empty; copy it again")


def read_cells(path: Path) -> list[tuple[int, list[str]]]:
    """All rows that are not blank as (line number, cells), whatever they mean.

    Raises:
        CohortError: not there, not text, empty, or with a quotation mark that is never closed.
    """
    lines = list(_stream(path))
    if not lines:
        raise CohortError(f"{path}: is empty; copy it again")
    return lines


def read_yes_no(row: Row, column: str) -> bool | None:
    """A cell that says yes, no, or nothing.

    Raises:
        CohortError: it says something else.
    """
    cell = row.get(column).lower()
    if cell in YES:
        return True
    if cell in NO:
        return False
    if cell in UNTOLD:
        return None
    raise row.error(column, f"{row.get(column)!r} is neither yes nor no; write 1, 0 or nothing")


def plain(name: str) -> str:
    """A name of a column without what people vary: capitals, spaces, hyphens, underscores."""
    return "".join(character for character in name.lower() if character not in " -_\ufeff").strip()


def _stream(path: Path) -> Iterator[tuple[int, list[str]]]:
    encoding = _encoding(path)
    try:
        with path.open(newline="", encoding=encoding) as stream:
            start = "".join(line for _, line in zip(range(HEADER_WITHIN), stream, strict=False))
            stream.seek(0)
            reader = csv.reader(stream, delimiter=max(SEPARATORS, key=start.count), skipinitialspace=True)
            cells: list[str] = []
            line, before = 0, 0
            for cells in reader:
                line, before = before + 1, reader.line_num
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, cells
            if cells and cells[-1].endswith(("\n", "\r")):
                raise CohortError(f"{path} line {line}: a quotation mark is opened there and never closed; repair it")
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise CohortError(f"{path}: cannot be read as CSV ({error}); export it again as CSV in UTF-8") from error


def _encoding(path: Path) -> str:
    """UTF-16 with its mark, as Excel's `Unicode text`; UTF-8; else what Windows writes in western Europe."""
    try:
        with path.open("rb") as stream:
            start = stream.read(1 << 20)
    except OSError as error:
        raise CohortError(f"{path}: cannot be opened ({error.strerror}); check the path") from error
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    try:
        start[: start.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _header(path: Path, lines: Sequence[tuple[int, list[str]]], needed: Collection[str]) -> tuple[int, list[str]]:
    for number, cells in lines[:HEADER_WITHIN]:
        found = [plain(cell) for cell in cells]
        if all(plain(name) in found for name in needed):
            twice = [name for name in needed if found.count(plain(name)) > 1]
            if twice:
                raise CohortError(f"{path} line {number}: column {twice[0]} stands there twice; keep one")
            return number, cells
    first = [cell.strip() for cell in lines[0][1]]
    missing = [name for name in needed if plain(name) not in map(plain, first)]
    raise CohortError(f"{path}: has no column {', '.join(missing)}; its columns are {', '.join(first)}"[:400])


def _fitted(path: Path, number: int, cells: list[str], columns: Sequence[str]) -> list[str]:
    """As many cells as the header has; what is missing at the end is empty."""
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise CohortError(
            f"{path} line {number}: has {len(cells)} cells, the header {len(columns)}; a comma without quotes?"
        )
    kept = [cell.strip() for cell in cells[: len(columns)]]
    return kept + [""] * (len(columns) - len(kept))

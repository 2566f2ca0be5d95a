"""What a stage found, as parts of a page: kept as JSON with its tables and pictures beside it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ichnos.evaluation.tables import Table, write_table
from ichnos.runtime.files import write_json


@dataclass(frozen=True)
class Part:
    """A section of a page to be.

    Attributes:
        title: its heading.
        paragraphs: plain text.
        tables: shown after the text.
        pictures: file names in the folder `pictures` beside, with captions.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()


def write_parts(parts: Sequence[Part], folder: Path) -> None:
    """Write `parts.json`, and each table as Markdown, LaTeX and CSV into `tables`."""
    for part in parts:
        for number, table in enumerate(part.tables):
            write_table(table, folder / "tables", f"{_slug(part.title)}{f'-{number + 1}' if number else ''}")
    write_json(folder / "parts.json", [asdict(part) for part in parts])


def read_parts(folder: Path) -> tuple[Part, ...]:
    """What `write_parts` wrote."""
    return tuple(
        Part(
            title=one["title"],
            paragraphs=tuple(one["paragraphs"]),
            tables=tuple(
                Table(
                    table["title"],
                    tuple(table["columns"]),
                    tuple(tuple(row) for row in table["rows"]),
                    tuple(table["notes"]),
                )
                for table in one["tables"]
            ),
            pictures=tuple((name, caption) for name, caption in one["pictures"]),
        )
        for one in json.loads((folder / "parts.json").read_text(encoding="utf-8"))
    )


def _slug(text: str) -> str:
    kept = "".join(letter if letter.isalnum() else " " for letter in text.lower())
    return "-".join(kept.split())

"""Tables of results: Markdown for a page, LaTeX for a paper, CSV for a machine.

A comparison with published numbers says in its own heading what ours were measured on, so that a
number from phantoms cannot be read as one from patients.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ichnos.runtime.files import write_text

_LATEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "±": r"$\pm$", "≥": r"$\geq$", "≤": r"$\leq$"}
_BLANK = "-"


@dataclass(frozen=True)
class Table:
    """Cells as they are read.

    Attributes:
        title: one line.
        columns: headings; the first is that of the row names.
        rows: as many cells as columns each.
        notes: protocol, empty-mask policy, counts: whatever a reader needs to compare.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            assert len(row) == len(self.columns), f"{self.title}: {len(row)} cells under {len(self.columns)} headings"

    def to_markdown(self) -> str:
        """A pipe table under its title, notes below."""
        rule = "|".join(["---", *("---:" for _ in self.columns[1:])])
        lines = [_pipes(self.columns), f"|{rule}|", *(_pipes(row) for row in self.rows)]
        notes = "\n".join(f"- {note}" for note in self.notes)
        return "\n\n".join(part for part in (f"**{self.title}**", "\n".join(lines), notes) if part) + "\n"

    def to_latex(self) -> str:
        """A `tabular` with booktabs rules; caption and label are the author's."""
        body = "\n".join(" & ".join(map(_escape, row)) + r" \\" for row in self.rows)
        heading = " & ".join(map(_escape, self.columns)) + r" \\"
        notes = "\n".join(f"% {note}" for note in (self.title, *self.notes))
        layout = "l" + "r" * (len(self.columns) - 1)
        lines = [
            notes,
            rf"\begin{{tabular}}{{{layout}}}",
            r"\toprule",
            heading,
            r"\midrule",
            body,
            r"\bottomrule",
            r"\end{tabular}",
        ]
        return "\n".join(lines) + "\n"

    def to_csv(self) -> str:
        """Headings and rows; title and notes are left to the other forms."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.columns, *self.rows])
        return text.getvalue()


def write_table(table: Table, folder: Path, name: str) -> None:
    """Write NAME.md, NAME.tex and NAME.csv into `folder`."""
    write_text(folder / f"{name}.md", table.to_markdown())
    write_text(folder / f"{name}.tex", table.to_latex())
    write_text(folder / f"{name}.csv", table.to_csv())


def compare_with_published(
    title: str,
    published: Mapping[str, Mapping[str, str]],
    ours: Mapping[str, Mapping[str, str]],
    measured_on: str,
    notes: Sequence[str] = (),
) -> Table:
    """Published and own figures side by side, a row for each method.

    Args:
        title: one line.
        published: figure by method and measure, as printed in the paper.
        ours: the same of our run; methods and measures may be missing or new.
        measured_on: what ours were measured on, such as `phantoms`; stands in each heading of ours.
        notes: protocol, policy, counts.
    """
    assert measured_on, "a comparison must say what our figures were measured on"
    measures = list(dict.fromkeys(name for row in (*published.values(), *ours.values()) for name in row))
    columns = [f"{name}, {source}" for name in measures for source in ("published", f"ours on {measured_on}")]
    rows = []
    for method in dict.fromkeys((*published, *ours)):
        cells = [side.get(method, {}).get(name, _BLANK) for name in measures for side in (published, ours)]
        rows.append((method, *cells))
    return Table(title, ("method", *columns), tuple(rows), tuple(notes))


def with_spread(mean: float, spread: float, digits: int = 3) -> str:
    """A mean and its SE, SD or other spread as the papers print them.

    >>> with_spread(0.4444, 0.0141)
    '0.444 ± 0.014'
    """
    return f"{mean:.{digits}f} ± {spread:.{digits}f}"


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _escape(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)

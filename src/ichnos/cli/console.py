"""What commands share: messages to stderr, results to stdout, errors as one line."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

from ichnos.errors import IchnosError, UsageError


def say(message: str, *, quiet: bool = False) -> None:
    """Tell the user something, on stderr."""
    if not quiet:
        typer.echo(message, err=True)


def show_json(content: Any) -> None:  # noqa: ANN401 - any JSON
    """Give a machine its result, on stdout."""
    typer.echo(json.dumps(content, indent=2, default=str))


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, quiet: bool = False) -> None:
    """Aligned columns, on stderr: the first to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        say("  " + "  ".join(cells), quiet=quiet)


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn expected errors into one line and an exit code: 2 for wrong usage, else 1."""
    try:
        yield
    except IchnosError as error:
        fail(str(error), code=2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt:
        fail("stopped; run the same command again to go on", code=130)


def fail(message: str, code: int) -> NoReturn:
    """Say what went wrong in one line and leave."""
    say(f"ichnos: {' '.join(message.split())}")
    sys.exit(code)

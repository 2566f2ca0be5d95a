"""Choosing from a table by name."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

from ichnos.errors import UsageError

_Entry = TypeVar("_Entry")


def choose_by_name(table: Mapping[str, _Entry], name: str, kind: str) -> _Entry:
    """The entry of that name; `UsageError` with the nearest name and the full list if there is none."""
    if name not in table:
        near = difflib.get_close_matches(name, table, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(f"no {kind} is called {name!r}; {hint}there are: {', '.join(table)}")
    return table[name]

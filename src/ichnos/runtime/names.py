"""Choosing by name, and the nearest name where there is none of that name."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from ichnos.errors import UsageError

_Entry = TypeVar("_Entry")

LIKENESS = 0.6
"""From so much likeness on (`difflib`, 0 to 1) a name is near another: one slip of the finger, not another word."""


def choose_by_name(table: Mapping[str, _Entry], name: str, kind: str) -> _Entry:
    """The entry of that name; `UsageError` with the nearest name and the full list if there is none."""
    if name not in table:
        raise UsageError(name_unknown(name, table, kind))
    return table[name]


def name_unknown(name: str, known: Iterable[str], kind: str) -> str:
    """One line for a name that is not known: the nearest, if one is near, and all."""
    known = list(known)
    return f"no {kind} is called {name!r}; {suggest_name(name, known)}there are: {', '.join(known)}"


def suggest_name(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'? ` with the nearest of the other names; empty where none is near."""
    near = list_near(name, [one for one in known if one != name])
    return f"did you mean {near[0]!r}? " if near else ""


def list_near(name: str, known: Iterable[str], most: int = 1, likeness: float = LIKENESS) -> list[str]:
    """The `most` nearest of the known names that are like enough, the nearest first."""
    return difflib.get_close_matches(name, list(known), n=most, cutoff=likeness)

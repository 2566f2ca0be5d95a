"""What is wrong with settings, in one line, with the nearest key for an unknown one."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ichnos.runtime.names import suggest_name

_UNKNOWN = {"extra_forbidden", "unexpected_keyword_argument"}


def explain(error: ValidationError, model: type[BaseModel], section: str = "") -> str:
    """One line for the first thing that is wrong; an unknown key goes before a missing one, which it may explain.

    Args:
        error: of `model`.
        model: what was to be filled.
        section: where it stands in the recipe.
    """
    first = min(error.errors(), key=lambda one: one["type"] not in _UNKNOWN)
    place = ".".join([*([section] if section else []), *(str(part) for part in first["loc"])])
    if first["type"] == "missing":
        return f"{place} is missing"
    if first["type"] == "value_error":
        reason = first["msg"].removeprefix("Value error, ")
        return f"{place}: {reason}" if place else reason
    if first["type"] not in _UNKNOWN:
        return f"{place} = {first['input']!r:.80}: {first['msg']}"
    known = _known_keys(model, first["loc"][:-1])
    hint = suggest_name(str(first["loc"][-1]), known).strip() or f"known keys: {', '.join(known)}"
    return f"{place} is not a setting; {hint}"


def _known_keys(model: Any, sections: Sequence[str | int]) -> list[str]:  # noqa: ANN401 - a class of some kind
    """Keys that a section may have; a number is a place in a list of sections."""
    for section in sections:
        model = get_args(model)[0] if isinstance(section, int) else _section(model, section)
    return [one.name for one in fields(model)] if is_dataclass(model) else list(model.model_fields)


def _section(model: Any, name: str) -> Any:  # noqa: ANN401
    """The kind of a section; of one that may be left out, what it is where it is given."""
    kind = model.model_fields[name].annotation
    if get_origin(kind) in {Union, UnionType}:
        kind = next(one for one in get_args(kind) if one is not type(None))
    return kind

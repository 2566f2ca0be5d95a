"""Networks by name."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from torch import nn

from ichnos.errors import UsageError
from ichnos.models.swin import create_swin

MODELS: dict[str, Callable[..., nn.Module]] = {
    "swin": create_swin,
}


def create_model(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Build the network called `name`.

    Raises:
        UsageError: no such network, or arguments that it does not take.
    """
    if name not in MODELS:
        near = difflib.get_close_matches(name, MODELS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(f"no network is called {name!r}; {hint}there are: {', '.join(MODELS)}")
    try:
        return MODELS[name](**arguments)
    except ValidationError as error:
        reasons = "; ".join(": ".join([*map(str, one["loc"]), one["msg"]]) for one in error.errors())
        raise UsageError(f"network {name!r} cannot be built with {dict(arguments)}: {reasons}") from error

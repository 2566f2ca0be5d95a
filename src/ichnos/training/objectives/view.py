"""How much a view of a slice may change, by name or in full: a setting of strategies that make views."""

import difflib
from typing import Annotated

from pydantic import BeforeValidator

from ichnos.preprocessing.augmentation import AUGMENTATIONS, Augmentation


def _look_up(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value not in AUGMENTATIONS:
        near = difflib.get_close_matches(value, AUGMENTATIONS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"no augmentation is called {value!r}; {hint}there are: {', '.join(AUGMENTATIONS)}")
    return AUGMENTATIONS[value]


View = Annotated[Augmentation, BeforeValidator(_look_up)]
"""A name of `preprocessing.augmentation.AUGMENTATIONS`, or a table with the fields of an `Augmentation`."""

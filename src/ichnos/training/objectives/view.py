"""How much a view of a slice may change, by name or in full: a setting of strategies that make views."""

from typing import Annotated

from pydantic import BeforeValidator

from ichnos.preprocessing.augmentation import AUGMENTATIONS, Augmentation
from ichnos.runtime.names import name_unknown


def _look_up(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value not in AUGMENTATIONS:
        raise ValueError(name_unknown(value, AUGMENTATIONS, "augmentation"))
    return AUGMENTATIONS[value]


View = Annotated[Augmentation, BeforeValidator(_look_up)]
"""A name of `preprocessing.augmentation.AUGMENTATIONS`, or a table with the fields of an `Augmentation`."""

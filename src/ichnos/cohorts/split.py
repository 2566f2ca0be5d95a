"""Splits that never put one patient on both sides."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from sklearn.model_selection import GroupShuffleSplit

from ichnos.errors import UsageError


def split_patients(
    patients: Sequence[str], validation_fraction: float, seed: int
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " validation"]]:
    """Indices of the items to train on and to validate on.

    Args:
        patients: the patient of each item (slice, scan); items of one patient stay together.
        validation_fraction: of the patients, in (0, 1).
        seed: same seed, same split.

    Raises:
        UsageError: fewer than two patients, or a fraction that leaves none to train on.
    """
    count = len(set(patients))
    if count < 2:
        raise UsageError(f"a split needs at least 2 patients; there are {count}")
    if not 0.0 < validation_fraction < 1.0:
        raise UsageError(f"validation_fraction must lie between 0 and 1; got {validation_fraction}")
    validating = math.ceil(validation_fraction * count)
    if validating == count:
        raise UsageError(f"validation_fraction {validation_fraction} of {count} patients leaves none to train on")
    splitter = GroupShuffleSplit(n_splits=1, test_size=validating, random_state=seed)
    train, validation = next(splitter.split(np.zeros(len(patients)), groups=np.asarray(patients)))
    return np.sort(train), np.sort(validation)

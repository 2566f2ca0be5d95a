"""Splits that never put one patient on both sides."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int
from sklearn.model_selection import ShuffleSplit

from ichnos.errors import UsageError


def split_patients(
    patients: Sequence[str],
    validation_fraction: float,
    seed: int,
    *,
    scarce: Bool[np.ndarray, " items"] | None = None,
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " validation"]]:
    """Indices of the items to train on and to validate on.

    Args:
        patients: the patient of each item (slice, scan); items of one patient stay together.
        validation_fraction: of the patients, in (0, 1).
        seed: same seed, same split.
        scarce: items of which both sides need some, such as the few slices with masks: their patients are
            split in the same proportion, at least one to train on, and one to validate on if there are two.

    Raises:
        UsageError: fewer than two patients, or a fraction that leaves none to train on.
    """
    owners = np.asarray(patients)
    names = np.unique(owners)
    if len(names) < 2:
        raise UsageError(f"a split needs at least 2 patients; there are {len(names)}")
    if not 0.0 < validation_fraction < 1.0:
        raise UsageError(f"validation_fraction must lie between 0 and 1; got {validation_fraction}")
    validating = math.ceil(validation_fraction * len(names))
    if validating == len(names):
        raise UsageError(f"validation_fraction {validation_fraction} of {len(names)} patients leaves none to train on")
    rich = names[:0] if scarce is None else np.unique(owners[scarce])
    first = min(math.ceil(validation_fraction * len(rich)), max(0, len(rich) - 1))
    drawn = np.concatenate([_draw(rich, first, seed), _draw(np.setdiff1d(names, rich), validating - first, seed)])
    is_validation = np.isin(owners, drawn)
    return np.flatnonzero(~is_validation), np.flatnonzero(is_validation)


def _draw(names: np.ndarray, count: int, seed: int) -> np.ndarray:
    """So many of the names."""
    if count in {0, len(names)}:
        return names[:count]
    _, drawn = next(ShuffleSplit(n_splits=1, test_size=count, random_state=seed).split(names))
    return np.asarray(names[drawn])

"""Notes on a collection: one line for what differs, with the first few names."""

from collections.abc import Mapping, Sequence

import numpy as np


def noted(tellers: Mapping[str, Sequence[object]], longest: int = 5) -> list[str]:
    """One line for each thing to tell that has names."""
    return [f"{what}: {listed(names, longest)}" for what, names in tellers.items() if len(names)]


def listed(names: Sequence[object] | np.ndarray, longest: int = 5) -> str:
    """The first few names, and how many there are beside."""
    shown = ", ".join(str(name) for name in names[:longest])
    return shown if len(names) <= longest else f"{shown} and {len(names) - longest} more"

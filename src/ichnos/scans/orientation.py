"""Which way an array must be turned so that its axes run as in a `Scan`."""

from itertools import permutations

import numpy as np
from jaxtyping import Float

from ichnos.scans.scan import Turn

CANONICAL_DIRECTIONS = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [-1.0, 0.0, 0.0]])
"""RAS+ directions that slices, rows and columns of a `Scan` are closest to: head, back, patient left."""


def closest_turn(steps_mm: Float[np.ndarray, "3 3"], *, slice_axis: int | None = None) -> Turn:
    """Find the transposition and flips that bring source axes closest to canonical ones.

    Args:
        steps_mm: columns are the RAS+ steps along the source axes i, j, k; may be sheared, not zero.
        slice_axis: source axis that holds the slices, where it is known.

    Example:
        >>> closest_turn(np.diag([-1.0, -1.0, 1.0]))
        Turn(axes=(2, 1, 0), flipped=(False, False, False))
    """
    cosines = CANONICAL_DIRECTIONS @ (steps_mm / np.linalg.norm(steps_mm, axis=0))
    canonical = np.arange(3)
    orders = [order for order in permutations(range(3)) if slice_axis in {None, order[0]}]
    axes = max(orders, key=lambda order: float(np.abs(cosines[canonical, order]).sum()))
    flips = cosines[canonical, axes] < 0
    return Turn(
        axes=(axes[0], axes[1], axes[2]),
        flipped=(bool(flips[0]), bool(flips[1]), bool(flips[2])),
    )

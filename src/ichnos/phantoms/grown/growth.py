"""How blood spreads: an Eden front that claims free neighbours at random, confined to a region.

Eden 1961, "A two-dimensional growth process": in each round every free voxel beside the cluster joins
with some probability. Here the probability varies smoothly in space, so that the front runs ahead in
some directions. Planes that lie further apart than pixels are crossed more slowly: by the square of
the ratio, since of many columns the quickest leads.
"""

import numpy as np
from jaxtyping import Int

from ichnos.phantoms.grown.frame import Region, Triple, Volume

ROUNDS = 400
"""After so many the front has stopped, however little it has claimed."""

NEVER = np.iinfo(np.int16).max
"""Round in which voxels joined that never did."""


def grow(
    rng: np.random.Generator, allowed: Region, start: tuple[int, int, int], speed: Volume, limit: tuple[int, Triple]
) -> Int[np.ndarray, "planes rows columns"]:
    """Grow a cluster from one voxel.

    Args:
        rng: randomness.
        allowed: where it may be; `start` must lie inside.
        start: (plane, row, column).
        speed: probability in [0, 1] with which an exposed voxel joins in a round.
        limit: (voxels at which growth stops, spacing in mm).

    Returns:
        The round in which each voxel joined, 0 for `start`, `NEVER` for those that did not.
    """
    assert allowed[start], "growth starts outside its region"
    most, spacing_mm = limit
    rounds = np.full(allowed.shape, NEVER, np.int16)
    rounds[start] = 0
    low, high, count = np.array(start), np.array(start), 1
    for number in range(1, ROUNDS):
        corner = np.maximum(low - 1, 0)
        box = tuple(slice(a, b + 2) for a, b in zip(corner, high, strict=True))
        chance = _chances(rounds[box] < NEVER, allowed[box], speed[box], (bool(number % 2), spacing_mm))
        exposed = np.nonzero(chance)
        if count >= most or not len(exposed[0]):
            break
        joins = np.flatnonzero(rng.random(len(exposed[0]), dtype=np.float32) < chance[exposed])
        joins = joins if count + len(joins) <= most else rng.permutation(joins)[: most - count]
        claimed = tuple(axis[joins] for axis in exposed)
        rounds[box][claimed] = number
        count += len(joins)
        for axis, places in enumerate(claimed):
            if len(places):
                low[axis] = min(low[axis], corner[axis] + places.min())
                high[axis] = max(high[axis], corner[axis] + places.max())
    return rounds


def _chances(inside: Region, allowed: Region, speed: Volume, step: tuple[bool, Triple]) -> Volume:
    """With which probability each voxel joins in this round; 0 for those that are not exposed."""
    with_corners, spacing_mm = step
    down, across = _spread(inside, 1), _spread(inside, 2)
    beside = down | across
    if with_corners:  # every other round: the front becomes round rather than a diamond
        beside |= _spread(down, 2)
    above = _spread(inside, 0) & ~beside
    share = beside.astype(np.float32) + above * np.float32(min(1.0, spacing_mm[1] / spacing_mm[0]) ** 2)
    return np.where(allowed & ~inside, share * speed, np.float32(0.0))


def _spread(inside: Region, axis: int) -> Region:
    """Voxels in the cluster, and their neighbours along an axis."""
    spread = inside.copy()
    ahead, behind = [slice(None)] * 3, [slice(None)] * 3
    ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
    spread[tuple(ahead)] |= inside[tuple(behind)]
    spread[tuple(behind)] |= inside[tuple(ahead)]
    return spread

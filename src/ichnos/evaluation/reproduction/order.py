"""Whether methods stand in the same order here and in a paper, in words."""

from collections.abc import Mapping
from itertools import combinations


def compare_orders(published: Mapping[str, float], ours: Mapping[str, float], measured_on: str) -> str:
    """A sentence or two; higher is better.

    Args:
        published: figure of each method.
        ours: the same of our run; methods that are not in both are left out.
        measured_on: what ours were measured on.
    """
    both = [name for name in published if name in ours]
    orders = [sorted(both, key=lambda name: -side[name]) for side in (published, ours)]
    told = (
        f"Best to worst as published: {', '.join(orders[0])}. Best to worst on {measured_on}: {', '.join(orders[1])}."
    )
    turned = list_reversed(published, ours)
    if not turned:
        return f"{told} The order is the same."
    pairs = "; ".join(f"{first} above {second}" for first, second in turned)
    count = f"{len(turned)} {'is' if len(turned) == 1 else 'are'}"
    return f"{told} Of {len(both) * (len(both) - 1) // 2} pairs {count} the other way round here: {pairs}."


def list_reversed(published: Mapping[str, float], ours: Mapping[str, float]) -> list[tuple[str, str]]:
    """Pairs (higher with us, lower with us) that are published the other way round."""
    both = [name for name in published if name in ours]
    turned = []
    for first, second in combinations(both, 2):
        if (published[first] - published[second]) * (ours[first] - ours[second]) < 0:
            turned.append((first, second) if ours[first] > ours[second] else (second, first))
    return turned

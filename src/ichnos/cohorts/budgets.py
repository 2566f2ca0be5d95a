"""Budgets: how few drawn scans a model may learn from; each holds the smaller ones."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ichnos.cohorts.case_labels import find_drawn, label_cases
from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import UsageError

STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Usual budgets, as far as the masks go."""


@dataclass(frozen=True)
class Budgets:
    """An order in which scans are drawn; a budget of n is its first n.

    The unit is a scan that bleeds and on which the blood is drawn. Healthy scans cost no drawing;
    `healthy_ratio` of them come with each.

    Attributes:
        bleeding: cases of the store, in the order in which they are drawn.
        healthy: cases that do not bleed, in the order in which they come along.
        healthy_ratio: healthy scans for each bleeding one.
        seed: of the order.
    """

    bleeding: tuple[int, ...]
    healthy: tuple[int, ...]
    healthy_ratio: float
    seed: int

    def choose_cases(self, size: int) -> tuple[int, ...]:
        """Cases of a budget, sorted.

        Raises:
            UsageError: fewer scans are drawn than the budget asks for.
        """
        if not 1 <= size <= len(self.bleeding):
            raise UsageError(
                f"a budget lies from 1 to the {len(self.bleeding)} scans with masks that bleed; got {size}"
            )
        return tuple(sorted(self.bleeding[:size] + self.healthy[: round(size * self.healthy_ratio)]))

    def choose_rows(self, store: SliceStore, size: int) -> Int[np.ndarray, " rows"]:
        """Rows of the store of a budget."""
        return np.flatnonzero(np.isin(store.cases, self.choose_cases(size)))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Those of `STEPS` that the masks suffice for."""
        return tuple(step for step in STEPS if step <= len(self.bleeding))


def make_budgets(
    store: SliceStore, seed: int, *, rows: Int[np.ndarray, " rows"] | None = None, healthy_ratio: float = 1.0
) -> Budgets:
    """Order the scans of a store so that every budget has the mix of subtypes of the whole, as far as it can.

    Patients come before their second scans: no patient gives two scans while another has given none.
    Among those the next scan is that which brings the mix of subtypes closest to the pool's.

    Args:
        store: with masks.
        seed: same seed, same order.
        rows: rows that may be used, such as a training fold's; None for all.
        healthy_ratio: healthy scans that come with each bleeding one; as many as there are.

    Raises:
        UsageError: no scan that bleeds has masks, or the ratio is negative.
    """
    if healthy_ratio < 0:
        raise UsageError(f"healthy_ratio must not be negative; got {healthy_ratio}")
    allowed = np.isin(np.arange(len(store.names)), store.cases if rows is None else store.cases[rows])
    labels = label_cases(store)
    pool = np.flatnonzero(allowed & (labels[:, 0] == 1) & find_drawn(store))
    if not len(pool):
        raise UsageError("no scan of the store both bleeds and has masks; budgets count those")
    generator = np.random.default_rng(seed)
    shuffled = _by_name(store, pool)[generator.permutation(len(pool))]
    bleeding = _spread(shuffled, (labels[shuffled, 1:] == 1).astype(float), _turns(store, shuffled))
    taken = {store.patients[case] for case in bleeding}
    healthy = np.flatnonzero(allowed & (labels[:, 0] == 0))
    healthy = _by_name(store, healthy)[generator.permutation(len(healthy))]
    others = [int(case) for case in healthy if store.patients[case] not in taken]
    return Budgets(tuple(bleeding), tuple(others), healthy_ratio, seed)


def _by_name(store: SliceStore, cases: Int[np.ndarray, " cases"]) -> Int[np.ndarray, " cases"]:
    """Sorted by name, so that the order of the store does not matter."""
    return np.array(sorted(cases.tolist(), key=lambda case: store.names[case]), dtype=int)


def _turns(store: SliceStore, cases: Int[np.ndarray, " cases"]) -> list[int]:
    """For each case, how many of its patient's come before it."""
    seen: dict[str, int] = {}
    turns = []
    for case in cases:
        patient = store.patients[case]
        turns.append(seen.get(patient, 0))
        seen[patient] = turns[-1] + 1
    return turns


def _spread(cases: Int[np.ndarray, " cases"], subtypes: Float[np.ndarray, "cases 5"], turns: list[int]) -> list[int]:
    """Greedily: the next case is that after which the counts of subtypes are closest to their share of the pool."""
    share = subtypes.mean(axis=0)
    counts = np.zeros(subtypes.shape[1])
    order: list[int] = []
    waiting = np.array(turns)
    while len(order) < len(cases):
        open_now = np.flatnonzero(waiting == waiting.min())
        distance = np.abs(counts + subtypes[open_now] - (len(order) + 1) * share).sum(axis=1)
        chosen = int(open_now[distance.round(9).argmin()])
        counts += subtypes[chosen]
        waiting[chosen] = len(cases)
        order.append(int(cases[chosen]))
    return order

"""Which slices an epoch visits: the samplings that several strategies share.

All return rows of the store in a random order that depends on the generator alone, and as many in
each epoch.
"""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from ichnos.cohorts.slice_store import SliceStore

Rows = Int[np.ndarray, " _"]
"""Rows of a store."""


def take_labelled(store: SliceStore, chosen: Rows) -> Rows:
    """Those of the chosen slices of which somebody said whether they bleed."""
    return np.asarray(chosen[store.labels[chosen, 0] >= 0])


def draw_all(chosen: Rows, generator: torch.Generator) -> Rows:
    """Every chosen slice once."""
    return np.asarray(chosen[torch.randperm(len(chosen), generator=generator).numpy()])


def draw_balanced(store: SliceStore, chosen: Rows, generator: torch.Generator, *, only_obvious: bool = False) -> Rows:
    """As many as are labelled, with replacement and probability inverse to the frequency of their label.

    As the first paper (Rasoulian et al. 2023, 4.2.2); its code draws as `draw_depleting` does.

    Args:
        store: what is drawn from.
        chosen: rows that may be drawn; those that nobody labelled are not.
        generator: of the draw.
        only_obvious: leave out bleeds that are not obvious, where there are any that are.
    """
    labelled = take_labelled(store, chosen)
    is_positive, is_obvious = store.is_positive[labelled], store.is_obvious[labelled]
    leaves_out = only_obvious and bool((is_obvious & is_positive).any())
    weights = inverse_frequency(is_positive, is_obvious | ~is_positive if leaves_out else np.ones_like(is_positive))
    drawn = torch.multinomial(torch.from_numpy(weights), len(weights), replacement=True, generator=generator)
    return np.asarray(labelled[drawn.numpy()])


def draw_depleting(store: SliceStore, chosen: Rows, generator: torch.Generator) -> Rows:
    """Twice as many as bleed, without replacement, with probability inverse to the frequency of their label.

    As the code released with the first paper: the more bleeds were drawn, the fewer are left, so that an
    epoch holds fewer bleeds than normal slices and ends with the latter.
    """
    labelled = take_labelled(store, chosen)
    is_positive = store.is_positive[labelled]
    weights = inverse_frequency(is_positive, np.ones_like(is_positive))
    count = min(len(labelled), 2 * int(is_positive.sum()))
    drawn = torch.multinomial(torch.from_numpy(weights), count, replacement=False, generator=generator)
    return np.asarray(labelled[drawn.numpy()])


def draw_with_normals(
    store: SliceStore,
    chosen: Rows,
    normals_per_bleed: float,
    generator: torch.Generator,
    *,
    normals_seed: int | None = None,
) -> Rows:
    """Every slice labelled as bleeding once, and normal slices in proportion.

    The second paper's samplings (Spahr et al. 2023): 0 normal slices for each bleeding one
    ("ICH-only"), 2 ("Mixed"), and 1 for its pretexts.

    Args:
        store: what is drawn from.
        chosen: rows that may be drawn; those that nobody labelled are not.
        normals_per_bleed: so many times as many normal slices, without replacement; all of them
            where there are fewer.
        generator: of the order, and of the normal slices.
        normals_seed: of one choice of normal slices for all epochs, as the paper's code has it; None to
            choose others in each epoch, so that more of them are seen.
    """
    bleeding, normal = chosen[store.labels[chosen, 0] == 1], chosen[store.labels[chosen, 0] == 0]
    count = min(len(normal), round(normals_per_bleed * len(bleeding)))
    choice = generator if normals_seed is None else torch.Generator().manual_seed(normals_seed)
    taken = normal[torch.randperm(len(normal), generator=choice)[:count].numpy()]
    return draw_all(np.concatenate([bleeding, taken]), generator)


def draw_unlabelled(
    store: SliceStore, chosen: Rows, sampling: Literal["all", "equal"], generator: torch.Generator
) -> Rows:
    """Slices for a strategy that needs no labels: all, or bleeding and as many normal ones.

    `equal` is what the second paper does, so that its pretexts see the same slices.
    """
    return draw_all(chosen, generator) if sampling == "all" else draw_with_normals(store, chosen, 1.0, generator)


def spread_patients(store: SliceStore, rows: Rows, generator: torch.Generator) -> Rows:
    """The same rows in an order that keeps slices of one patient as far apart as can be.

    Neighbouring slices of a patient look alike; in one batch they are false opposites of each other.

    Args:
        store: knows whose slices they are.
        rows: drawn already, in random order.
        generator: of the order.
    """
    _, owners = np.unique(np.asarray(store.patients)[store.cases[rows]], return_inverse=True)
    counts = np.bincount(owners)
    by_owner = np.argsort(owners, kind="stable")
    ranks = np.empty(len(rows), np.int64)
    ranks[by_owner] = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = torch.rand(len(counts), generator=generator, dtype=torch.float64).numpy()
    return np.asarray(rows[np.argsort((ranks + starts[owners]) / counts[owners], kind="stable")])


def inverse_frequency(
    is_positive: Bool[np.ndarray, " slices"], is_drawn: Bool[np.ndarray, " slices"]
) -> Float[np.ndarray, " slices"]:
    """Weights that draw both labels equally often, and nothing that is not to be drawn."""
    positives, negatives = (is_positive & is_drawn).sum(), (~is_positive & is_drawn).sum()
    return np.where(is_positive, 1.0 / max(1, positives), 1.0 / max(1, negatives)) * is_drawn

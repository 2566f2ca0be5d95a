"""Batches of slices from a store: balanced by label, the same whenever an epoch is run again."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ichnos.cohorts.slice_store import SliceStore
from ichnos.preprocessing.recipe import Recipe


class SliceDataset(Dataset[tuple[Tensor, Tensor]]):
    """Chosen slices of a store as standardised channels and labels."""

    def __init__(self, store: SliceStore, chosen: Int[np.ndarray, " chosen"], recipe: Recipe) -> None:
        self.store = store
        self.chosen = chosen
        self.recipe = recipe

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        pixels, labels = self.__getitems__([index])
        return pixels[0], labels[0]

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """A whole batch at once: windows are cheaper on many slices than on one."""
        rows = self.chosen[np.asarray(indices)]
        slices_hu = np.stack([self.store.slices_hu[row] for row in rows]).astype(np.float32)
        return torch.from_numpy(self.recipe.make_channels(slices_hu)), torch.from_numpy(self.store.labels[rows])


class BalancedSampler(Sampler[int]):
    """Draws slices with probability inverse to the frequency of their label (first paper, 3.3).

    The first `obvious_epochs` leave out bleeds that are not obvious: trained from scratch, a small
    Swin otherwise stays for hundreds of steps with what the height of a slice tells (ADR 0008).

    The order depends on seed and epoch only, so that a resumed run sees what an uninterrupted one
    would have seen. Lightning calls `set_epoch`.

    Args:
        is_positive: the label of each slice.
        is_obvious: whether a positive slice may be drawn from the start.
        obvious_epochs: how long that lasts.
        seed: of the order.
    """

    def __init__(
        self,
        is_positive: Bool[np.ndarray, " slices"],
        is_obvious: Bool[np.ndarray, " slices"],
        obvious_epochs: int,
        seed: int,
    ) -> None:
        self.all_weights = _inverse_frequency(is_positive, np.ones_like(is_positive))
        self.obvious_weights = _inverse_frequency(is_positive, is_obvious | ~is_positive)
        self.obvious_epochs = obvious_epochs if (is_obvious & is_positive).any() else 0
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the epoch to come."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.all_weights)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        weights = self.obvious_weights if self.epoch < self.obvious_epochs else self.all_weights
        drawn = torch.multinomial(weights, len(weights), replacement=True, generator=generator)
        return iter(drawn.tolist())


def _inverse_frequency(is_positive: Bool[np.ndarray, " slices"], is_drawn: Bool[np.ndarray, " slices"]) -> Tensor:
    """Weights that draw both labels equally often, and nothing that is not to be drawn."""
    positives, negatives = (is_positive & is_drawn).sum(), (~is_positive & is_drawn).sum()
    weights = np.where(is_positive, 1.0 / max(1, positives), 1.0 / max(1, negatives)) * is_drawn
    return torch.from_numpy(weights)


def training_batches(
    dataset: SliceDataset, batch_size: int, obvious_epochs: int, seed: int
) -> DataLoader[tuple[Tensor, Tensor]]:
    """Balanced batches; an incomplete last one is left out."""
    labels, is_obvious = dataset.store.labels[dataset.chosen, 0], dataset.store.is_obvious[dataset.chosen]
    sampler = BalancedSampler(labels, is_obvious, obvious_epochs, seed)
    return DataLoader(dataset, batch_size, sampler=sampler, drop_last=True, collate_fn=_as_is)


def validation_batches(dataset: SliceDataset, batch_size: int) -> DataLoader[tuple[Tensor, Tensor]]:
    """Every slice once, at its natural frequency."""
    return DataLoader(dataset, batch_size, collate_fn=_as_is)


def _as_is(batch: Any) -> Any:  # noqa: ANN401 - `__getitems__` has collated already
    return batch

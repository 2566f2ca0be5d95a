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

    The order depends on seed and epoch only, so that a resumed run sees what an uninterrupted one
    would have seen. Lightning calls `set_epoch`.
    """

    def __init__(self, is_positive: Bool[np.ndarray, " slices"], seed: int) -> None:
        frequency = np.where(is_positive, is_positive.mean(), 1 - is_positive.mean())
        self.weights = torch.from_numpy(1.0 / frequency)
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the epoch to come."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.weights)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        drawn = torch.multinomial(self.weights, len(self.weights), replacement=True, generator=generator)
        return iter(drawn.tolist())


def training_batches(dataset: SliceDataset, batch_size: int, seed: int) -> DataLoader[tuple[Tensor, Tensor]]:
    """Balanced batches; an incomplete last one is left out."""
    sampler = BalancedSampler(dataset.store.labels[dataset.chosen, 0], seed)
    return DataLoader(dataset, batch_size, sampler=sampler, drop_last=True, collate_fn=_as_is)


def validation_batches(dataset: SliceDataset, batch_size: int) -> DataLoader[tuple[Tensor, Tensor]]:
    """Every slice once, at its natural frequency."""
    return DataLoader(dataset, batch_size, collate_fn=_as_is)


def _as_is(batch: Any) -> Any:  # noqa: ANN401 - `__getitems__` has collated already
    return batch

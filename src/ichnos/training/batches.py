"""Batches of slices from a store, the same whenever an epoch is run again."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch.utils.data import DataLoader, Dataset, Sampler

from ichnos.cohorts.slice_store import SliceStore
from ichnos.preprocessing.recipe import Recipe
from ichnos.training.batch import Batch
from ichnos.training.objectives.objective import Objective


class SliceDataset(Dataset[Batch]):
    """A store as batches; its indices are rows of the store."""

    def __init__(self, store: SliceStore, recipe: Recipe) -> None:
        self.store = store
        self.recipe = recipe

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, row: int) -> Batch:
        return self.__getitems__([row])

    def __getitems__(self, rows: Sequence[int]) -> Batch:
        """A whole batch at once: windows are cheaper on many slices than on one."""
        chosen = np.asarray(rows)
        slices_hu = self.store.hu[chosen].astype(np.float32)
        return Batch(
            rows=torch.from_numpy(chosen),
            pixels=torch.from_numpy(self.recipe.make_channels(slices_hu)),
            labels=torch.from_numpy(self.store.labels[chosen]),
            marks=torch.from_numpy(self.store.marks[chosen]),
            has_mask=torch.from_numpy(self.store.has_mask[chosen]),
        )


class EpochRows(Sampler[int]):
    """The rows that an objective draws for each epoch.

    They depend on seed and epoch only, so that a resumed run sees what an uninterrupted one would
    have seen. Lightning calls `set_epoch`.

    Args:
        objective: what draws.
        store: from which.
        chosen: rows that may be drawn.
        seed: of the draw.
    """

    def __init__(self, objective: Objective, store: SliceStore, chosen: Int[np.ndarray, " chosen"], seed: int) -> None:
        self.objective = objective
        self.store = store
        self.chosen = chosen
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the epoch to come."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._draw(0))

    def __iter__(self) -> Iterator[int]:
        return iter(self._draw(self.epoch).tolist())

    def _draw(self, epoch: int) -> Int[np.ndarray, " drawn"]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        return self.objective.draw_rows(self.store, self.chosen, epoch, generator)


def training_batches(dataset: SliceDataset, rows: EpochRows, batch_size: int) -> DataLoader[Batch]:
    """What the objective draws; an incomplete last batch is left out."""
    return DataLoader(dataset, batch_size, sampler=rows, drop_last=True, collate_fn=_as_is)


def validation_batches(dataset: SliceDataset, chosen: Int[np.ndarray, " chosen"], batch_size: int) -> DataLoader[Batch]:
    """Every chosen slice once, in order, at its natural frequency."""
    return DataLoader(dataset, batch_size, sampler=chosen.tolist(), collate_fn=_as_is)


def _as_is(batch: Any) -> Any:  # noqa: ANN401 - `__getitems__` has collated already
    return batch

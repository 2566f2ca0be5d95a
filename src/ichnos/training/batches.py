"""Batches of slices from a store, the same whenever an epoch is run again."""

import math
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


class EpochBatches(Sampler[list[int]]):
    """The rows of an epoch in batches; of several processes, each gets its part of the same rows.

    Process r of n takes batch r of every n, so that together they make the step that one process would
    make with n times the batch. An incomplete last step is left out.

    Args:
        rows: of the epoch; Lightning finds it under `sampler`.
        size: slices in a batch.
    """

    def __init__(self, rows: EpochRows, size: int) -> None:
        self.sampler = rows
        self.size = size
        self.first = 0
        self._drawn = len(rows)

    def __len__(self) -> int:
        return self.count(_place()[1])

    def count(self, processes: int) -> int:
        """Batches of an epoch that each of so many processes gets."""
        return self._drawn // (self.size * processes)

    def __iter__(self) -> Iterator[list[int]]:
        process, processes = _place()
        first, self.first = self.first, 0
        rows = list(self.sampler)
        for step in range(first, len(self)):
            start = (step * processes + process) * self.size
            yield rows[start : start + self.size]


class OrderedBatches(Sampler[list[int]]):
    """Every chosen row once, in order; of several processes, each gets a run of whole batches.

    So the batches are those of one process, and their figures, put together in the order of the
    processes, are the same to the bit.
    """

    def __init__(self, chosen: Int[np.ndarray, " chosen"], size: int) -> None:
        self.batches = [chosen[start : start + size].tolist() for start in range(0, len(chosen), size)]

    def __len__(self) -> int:
        return len(self._own())

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._own())

    def _own(self) -> list[list[int]]:
        process, processes = _place()
        share = math.ceil(len(self.batches) / processes)
        return self.batches[process * share : (process + 1) * share]


class TrainingLoader(DataLoader[Batch]):
    """A loader that knows how far into the epoch it is, and can begin there.

    Lightning puts its state into every checkpoint. What loader processes have read ahead does not
    count: only batches that were handed out do.
    """

    batch_sampler: EpochBatches

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # a generator is all that Lightning asks for
        self._taken = self.batch_sampler.first
        for batch in super().__iter__():
            self._taken += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """How many batches of the epoch were handed out."""
        return {"taken": self._taken}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin the next epoch behind them; at its start if that was the whole of it."""
        self.batch_sampler.first = state["taken"] % len(self)


def training_batches(dataset: SliceDataset, rows: EpochRows, batch_size: int, loaders: int = 0) -> TrainingLoader:
    """What the objective draws; an incomplete last batch is left out.

    Args:
        dataset: of the store.
        rows: of an epoch.
        batch_size: slices at a time, in each process that trains.
        loaders: processes that read ahead; their number does not change what comes.
    """
    return TrainingLoader(dataset, batch_sampler=EpochBatches(rows, batch_size), **_reading(loaders))


def validation_batches(
    dataset: SliceDataset, chosen: Int[np.ndarray, " chosen"], batch_size: int, loaders: int = 0
) -> DataLoader[Batch]:
    """Every chosen slice once, in order, at its natural frequency."""
    return DataLoader(dataset, batch_sampler=OrderedBatches(chosen, batch_size), **_reading(loaders))


def _reading(loaders: int) -> dict[str, Any]:
    """Arguments of a loader; its processes live as long as it does."""
    return {
        "collate_fn": _as_is,
        "num_workers": loaders,
        "persistent_workers": loaders > 0,
        "multiprocessing_context": "spawn" if loaders else None,
        "pin_memory": torch.cuda.is_available(),
    }


def _as_is(batch: Any) -> Any:  # noqa: ANN401 - `__getitems__` has collated already
    return batch


def _place() -> tuple[int, int]:
    """Which process this is, of how many that train together."""
    together = torch.distributed
    if together.is_available() and together.is_initialized():
        return together.get_rank(), together.get_world_size()
    return 0, 1

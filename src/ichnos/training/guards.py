"""Failures of a run, told in one line with the way out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import TrainingError
from ichnos.runtime.files import write_json
from ichnos.training.recipe import Optimisation
from ichnos.training.steps import NotFiniteError

_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "bad alloc")
"""What torch's RuntimeErrors say, in lower case."""


@contextmanager
def guarding(store: SliceStore, settings: Optimisation, folder: Path) -> Iterator[None]:
    """Tell what a failure of training means.

    A batch whose loss is not finite is written to `nonfinite.json` by case and slice.

    Raises:
        TrainingError: loss not finite, or memory exhausted.
    """
    try:
        yield
    except NotFiniteError as error:
        path = folder / "nonfinite.json"
        write_json(path, {"error": str(error), "slices": name_slices(store, error.rows)})
        raise TrainingError(f"{error}; the slices of its batch stand in {path}") from error
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(_smaller(settings)) from error


def name_slices(store: SliceStore, rows: Sequence[int]) -> list[dict[str, Any]]:
    """Case and z of slices."""
    cases = store.cases[np.asarray(rows)]
    firsts = [int(np.flatnonzero(store.cases == case)[0]) for case in cases]
    return [{"case": store.names[case], "z": row - first} for case, row, first in zip(cases, rows, firsts, strict=True)]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a CPU or a GPU ran out of memory."""
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    return any(words in str(error).lower() for words in _NO_MEMORY)


def _smaller(settings: Optimisation) -> str:
    if settings.batch_size == 1:
        return "memory is exhausted with one slice at a time; use a smaller network or smaller slices"
    size = settings.batch_size // 2
    return (
        f"memory is exhausted with batches of {settings.batch_size}; give --set optimisation.batch_size={size} "
        f"--set optimisation.accumulate={settings.accumulate * 2}, which makes the same steps"
    )

"""Reading slices from shards of .npy files, by position: no page faults, few open files."""

import os
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from ichnos.errors import StoreError

HEADER_BYTES = 128
"""What numpy writes before the pixels of every shard."""

_OPEN_FILES = 128
"""Kept open at once by each array; the usual limit of a process is 1,024."""


class ShardedArray:
    """Shards of .npy files as one array of slices; a shard is opened when one of its slices is asked for.

    Args:
        paths: of the shards, in order; None for a shard that holds nothing but zeros.
        lengths: slices in each.
        shape: (rows, columns) of a slice.
        dtype: of a pixel.
    """

    def __init__(
        self, paths: Sequence[Path | None], lengths: Sequence[int], shape: tuple[int, int], dtype: str
    ) -> None:
        self.paths = tuple(paths)
        self.ends = np.cumsum(lengths, dtype=np.int64)
        self.shape = (int(self.ends[-1]) if len(lengths) else 0, *shape)
        self.dtype = np.dtype(dtype)
        self._opened: OrderedDict[int, _OpenFile] = OrderedDict()

    def __getitem__(self, rows: Int[np.ndarray, " chosen"]) -> np.ndarray:
        """The chosen slices, in this order.

        Raises:
            IndexError: a row that is not there.
            StoreError: a shard is missing or cut short.
        """
        slices = np.zeros((len(rows), *self.shape[1:]), self.dtype)
        if len(rows) and not (int(np.min(rows)) >= 0 and int(np.max(rows)) < self.shape[0]):
            raise IndexError(f"rows lie from 0 to {self.shape[0] - 1}; got {int(np.min(rows))} to {int(np.max(rows))}")
        shards = np.searchsorted(self.ends, rows, side="right")
        size = slices[0].nbytes if len(rows) else 0
        for place, (row, shard) in enumerate(zip(rows.tolist(), shards.tolist(), strict=True)):
            path = self.paths[shard]
            if path is not None:
                start = int(self.ends[shard - 1]) if shard else 0
                self._open(shard, path).read_into(slices[place], HEADER_BYTES + (row - start) * size)
        return slices

    def _open(self, shard: int, path: Path) -> "_OpenFile":
        if shard in self._opened:
            self._opened.move_to_end(shard)
        else:
            self._opened[shard] = _OpenFile(path)
            if len(self._opened) > _OPEN_FILES:
                self._opened.popitem(last=False)
        return self._opened[shard]

    def __getstate__(self) -> dict[str, Any]:
        """Without the opened files: a loader process opens its own."""
        return {**self.__dict__, "_opened": OrderedDict()}


class _OpenFile:
    """A file that is closed when nobody refers to it any more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.handle = os.open(path, os.O_RDONLY)
        except OSError as error:
            self.handle = -1
            raise StoreError(f"{path} cannot be read: {error.strerror}; prepare the store again") from error

    def read_into(self, pixels: np.ndarray, offset: int) -> None:
        got = os.preadv(self.handle, [pixels.data], offset)
        if got != pixels.nbytes:
            raise StoreError(f"{self.path} is cut short at byte {offset + got}; prepare the store again")

    def __del__(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)

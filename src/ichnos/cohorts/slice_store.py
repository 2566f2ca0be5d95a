"""Slices on the model grid, ready to train on: shards of plain .npy files, random access by slice.

    shards/0000.hu.npy      int16 HU, (slices, rows, columns)
    shards/0000.marks.npy   uint8, the same shape: what was drawn on each pixel, a bit each (`MARKS`);
                            only where a case of the shard has masks
    slices.npz              per slice: labels, has_mask, is_obvious, cases
    store.json              cases, grid, shards, and what the store was made from; written last

A store without store.json is not finished.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int, Int8, UInt8

from ichnos.errors import UsageError
from ichnos.runtime.files import replacing, write_json

LABELS = ("any", "epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
"""Columns of a store's labels."""

UNKNOWN = -1
"""Label of a slice that nobody labelled; 1 is yes, 0 is no."""

MARKS = {name: 1 << bit for bit, name in enumerate((*LABELS[1:], "any", "brain"))}
"""Bits of a marked pixel: the five subtypes, a bleed whose subtype was not told, the intracranial cavity."""

BLEED = sum(bit for name, bit in MARKS.items() if name != "brain")
"""All bits that mean blood."""

_INT16 = (-32768, 32767)
"""HU beyond are metal; they are clipped rather than wrapped around."""

_SHARD_SLICES = 512
"""A shard is closed by the case that fills it to this."""


@runtime_checkable
class SliceArray(Protocol):
    """Slices that are read when they are asked for: an array, or shards on disk."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(slices, rows, columns)."""
        ...

    def __getitem__(self, rows: Int[np.ndarray, " chosen"], /) -> np.ndarray:
        """The chosen slices, in this order, as an array of their own."""
        ...


class ShardedArray:
    """Shards of .npy files as one array of slices; a shard is mapped when one of its slices is asked for.

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
        self.ends = np.cumsum(lengths)
        self.shape = (int(self.ends[-1]) if len(lengths) else 0, *shape)
        self.dtype = np.dtype(dtype)
        self._opened: dict[int, np.ndarray] = {}

    def __getitem__(self, rows: Int[np.ndarray, " chosen"]) -> np.ndarray:
        slices = np.zeros((len(rows), *self.shape[1:]), self.dtype)
        shards = np.searchsorted(self.ends, rows, side="right")
        for place, (row, shard) in enumerate(zip(rows, shards, strict=True)):
            path = self.paths[shard]
            if path is not None:
                slices[place] = self._open(int(shard), path)[row - self.ends[shard]]
        return slices

    def _open(self, shard: int, path: Path) -> np.ndarray:
        if shard not in self._opened:
            self._opened[shard] = np.load(path, mmap_mode="r")
        return self._opened[shard]

    def __getstate__(self) -> dict[str, Any]:
        """Without the opened maps: a loader process opens its own."""
        return {**self.__dict__, "_opened": {}}


@dataclass(frozen=True)
class CaseSlices:
    """The slices of one case, feet to head, on their way into a store.

    Attributes:
        case: its id.
        patient: whose it is; cases of one patient are never split.
        slices_hu: on the model grid.
        labels: per slice, in the order of `LABELS`; 1, 0 or `UNKNOWN`.
        is_obvious: per slice, whether it holds a bleed that nobody could miss.
        marks: what was drawn, as bits of `MARKS`; None where nobody drew a mask.
    """

    case: str
    patient: str
    slices_hu: Float[np.ndarray, "slices rows columns"]
    labels: Int8[np.ndarray, "slices 6"]
    is_obvious: Bool[np.ndarray, " slices"]
    marks: UInt8[np.ndarray, "slices rows columns"] | None = None


@dataclass(frozen=True)
class SliceStore:
    """An opened store; pixels stay on disk until a slice is asked for.

    Attributes:
        hu: int16 HU; `store.hu[rows]` reads slices.
        marks: bits of `MARKS`; zero where nobody drew a mask, so ask `has_mask` first.
        labels: per slice, in the order of `LABELS`; 1, 0 or `UNKNOWN`.
        has_mask: per slice, whether blood was drawn where there is any.
        is_obvious: per slice, whether it holds a bleed that nobody could miss.
        cases: per slice, which case it belongs to; slices of a case stand together, feet to head.
        names: of the cases.
        patients: of the cases.
        origin: what the store was made from.
    """

    hu: SliceArray
    marks: SliceArray
    labels: Int8[np.ndarray, "slices 6"]
    has_mask: Bool[np.ndarray, " slices"]
    is_obvious: Bool[np.ndarray, " slices"]
    cases: Int[np.ndarray, " slices"]
    names: tuple[str, ...]
    patients: tuple[str, ...]
    origin: dict[str, Any]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def is_positive(self) -> Bool[np.ndarray, " slices"]:
        """Slices labelled as bleeding, of whatever kind; not those that nobody labelled."""
        return np.asarray(self.labels[:, 0] == 1)

    @property
    def slice_patients(self) -> list[str]:
        """The patient of each slice."""
        return [self.patients[case] for case in self.cases]


def write_store(cases: Iterable[CaseSlices], folder: Path, image_size: int, origin: dict[str, Any]) -> None:
    """Stream cases into a new store.

    Args:
        cases: consumed one at a time; at most one shard is kept in memory.
        folder: created if needed.
        image_size: rows and columns of the model grid.
        origin: what the store is made from; `open_store` compares it.
    """
    (folder / "shards").mkdir(parents=True, exist_ok=True)
    (folder / "store.json").unlink(missing_ok=True)
    shards: list[dict[str, Any]] = []
    described: list[dict[str, Any]] = []
    tables: list[dict[str, np.ndarray]] = []
    for pending in _fill_shards(cases):
        shards.append(_write_shard(pending, folder, len(shards)))
        tables += [_table(case, len(described) + place) for place, case in enumerate(pending)]
        described += [{"case": case.case, "patient": case.patient, "slices": len(case.labels)} for case in pending]
    if not described:
        raise UsageError(f"no cases to prepare for {folder}")
    with replacing(folder / "slices.npz") as temporary, temporary.open("wb") as stream:
        np.savez(stream, **{name: np.concatenate([table[name] for table in tables]) for name in tables[0]})  # type: ignore[arg-type]  # of allow_pickle
    write_json(
        folder / "store.json", {"image_size": image_size, "origin": origin, "shards": shards, "cases": described}
    )


def open_store(folder: Path) -> SliceStore | None:
    """Open a finished store; None if there is none."""
    description = folder / "store.json"
    if not description.is_file():
        return None
    content = json.loads(description.read_text(encoding="utf-8"))
    shape, lengths = (content["image_size"],) * 2, [shard["slices"] for shard in content["shards"]]
    hu = [folder / "shards" / shard["hu"] for shard in content["shards"]]
    marks = [folder / "shards" / shard["marks"] if shard["marks"] else None for shard in content["shards"]]
    with np.load(folder / "slices.npz") as table:
        return SliceStore(
            hu=ShardedArray(hu, lengths, shape, "<i2"),
            marks=ShardedArray(marks, lengths, shape, "u1"),
            **table,
            names=tuple(case["case"] for case in content["cases"]),
            patients=tuple(case["patient"] for case in content["cases"]),
            origin=content["origin"],
        )


def _fill_shards(cases: Iterable[CaseSlices]) -> Iterator[list[CaseSlices]]:
    pending: list[CaseSlices] = []
    for case in cases:
        pending.append(case)
        if sum(len(one.labels) for one in pending) >= _SHARD_SLICES:
            yield pending
            pending = []
    if pending:
        yield pending


def _table(case: CaseSlices, number: int) -> dict[str, np.ndarray]:
    return {
        "labels": case.labels,
        "has_mask": np.full(len(case.labels), case.marks is not None),
        "is_obvious": case.is_obvious,
        "cases": np.full(len(case.labels), number),
    }


def _write_shard(cases: Sequence[CaseSlices], folder: Path, number: int) -> dict[str, Any]:
    slices_hu = np.concatenate([case.slices_hu for case in cases])
    shard: dict[str, Any] = {"slices": len(slices_hu), "hu": f"{number:04d}.hu.npy", "marks": None}
    _save(folder / "shards" / shard["hu"], np.rint(np.clip(slices_hu, *_INT16)).astype("<i2"))
    if any(case.marks is not None for case in cases):
        shard["marks"] = f"{number:04d}.marks.npy"
        drawn = [np.zeros(case.slices_hu.shape, np.uint8) if case.marks is None else case.marks for case in cases]
        _save(folder / "shards" / shard["marks"], np.concatenate(drawn))
    return shard


def _save(path: Path, array: np.ndarray) -> None:
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array)

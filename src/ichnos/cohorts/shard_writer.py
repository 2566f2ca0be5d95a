"""Writing one shard of a slice store, a case at a time: memory holds one case, whatever the shard holds.

A shard is done when its record is there, which is written last. Files are written beside their
place and renamed, so that a process may be killed at any moment.
"""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from ichnos.cohorts.shards import HEADER_BYTES
from ichnos.cohorts.slice_store import CaseSlices
from ichnos.errors import IchnosError, StoreError
from ichnos.runtime.files import replacing, sha256_of, write_text

_INT16 = (-32768, 32767)
"""HU beyond are metal; they are clipped rather than wrapped around."""

KILLED = "the process that decoded it died twice (out of memory, or a decoder crashed); try --workers 1"
"""Why a case was skipped at which a worker died again."""


@dataclass(frozen=True)
class ShardJob:
    """What one shard is made from.

    Attributes:
        number: of the shard.
        names: of its cases.
        items: what each case is made from.
        doomed: names of cases that are not to be tried again.
    """

    number: int
    names: tuple[str, ...]
    items: tuple[Any, ...]
    doomed: frozenset[str] = frozenset()


def record_path(folder: Path, number: int) -> Path:
    """Where the record of a shard lies."""
    return folder / "shards" / f"{number:05d}.json"


def write_shard(
    job: ShardJob, make: Callable[[Any], CaseSlices], folder: Path, image_size: int
) -> Generator[str, None, dict[str, Any]]:
    """Make the cases of a shard and write them; yields the name of each case before it is made.

    A case that cannot be made is skipped, and the shard's record says why.

    Args:
        job: what to make.
        make: one case from its item.
        folder: of the store.
        image_size: rows and columns of the model grid.

    Returns:
        The shard's record, as it is written.

    Raises:
        StoreError: the disk is full or cannot be written.
    """
    shard = _Shard(folder, job.number, image_size)
    try:
        with ExitStack() as files:
            shard.open(files)
            for name, item in zip(job.names, job.items, strict=True):
                yield name
                case = KILLED if name in job.doomed else _try(make, item)
                if isinstance(case, str):
                    shard.skipped.append({"name": name, "reason": case})
                else:
                    shard.add(case)
            shard.close()
        return shard.write_record(job.names)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written: {error.strerror or error}; make room there, then run the same command again"
        ) from error


def _try(make: Callable[[Any], CaseSlices], item: Any) -> CaseSlices | str:  # noqa: ANN401 - the caller's
    """A case, or why there is none: one bad case never stops the others."""
    try:
        return make(item)
    except IchnosError as error:
        return " ".join(str(error).split())
    except Exception as error:
        return f"unexpected {type(error).__name__}: {' '.join(str(error).split())}"


@dataclass
class _Shard:
    folder: Path
    number: int
    image_size: int
    cases: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    tables: list[dict[str, np.ndarray]] = field(default_factory=list)
    slices: int = 0
    has_marks: bool = False

    def open(self, files: ExitStack) -> None:
        self.hu = self._new(files, "hu", "<i2")
        self.marks = self._new(files, "marks", "|u1")

    def _new(self, files: ExitStack, kind: str, dtype: str) -> BinaryIO:
        temporary = files.enter_context(replacing(self._place(f"{kind}.npy")))
        stream = files.enter_context(temporary.open("wb"))
        _write_header(stream, (0, self.image_size, self.image_size), dtype)
        return stream

    def _place(self, ending: str) -> Path:
        return self.folder / "shards" / f"{self.number:05d}.{ending}"

    def add(self, case: CaseSlices) -> None:
        for slice_hu in case.slices_hu:
            self.hu.write(np.rint(np.clip(slice_hu, *_INT16)).astype("<i2").data)
        if case.marks is not None:
            self.has_marks = True
            self.marks.seek(HEADER_BYTES + self.slices * self.image_size**2)  # what is skipped reads as zeros
            self.marks.write(np.ascontiguousarray(case.marks).data)
        self.tables.append(_table(case, len(self.cases)))
        self.slices += len(case.labels)
        self.skipped += [{"name": name, "reason": reason} for name, reason in case.left_out.items()]
        self.cases.append({"case": case.case, "patient": case.patient, "slices": len(case.labels), **case.record})

    def close(self) -> None:
        """Write the true length into the headers."""
        for stream, dtype in ((self.hu, "<i2"), (self.marks, "|u1")):
            shape = (self.slices, self.image_size, self.image_size)
            stream.truncate(HEADER_BYTES + int(np.prod(shape)) * np.dtype(dtype).itemsize)
            stream.seek(0)
            _write_header(stream, shape, dtype)

    def write_record(self, names: Sequence[str]) -> dict[str, Any]:
        if not self.has_marks:
            self._place("marks.npy").unlink()
        with replacing(self._place("slices.npz")) as temporary, temporary.open("wb") as stream:
            save_table(stream, self.tables)
        kinds = {"hu": "hu.npy", **({"marks": "marks.npy"} if self.has_marks else {}), "table": "slices.npz"}
        record = {
            "names": list(names),
            "slices": self.slices,
            "files": {kind: describe_file(self.folder, self._place(ending)) for kind, ending in kinds.items()},
            "cases": self.cases,
            "skipped": self.skipped,
        }
        write_text(record_path(self.folder, self.number), json.dumps(record, allow_nan=False) + "\n")
        return record


def describe_file(folder: Path, path: Path) -> dict[str, Any]:
    """What `slice_store.check_file` compares a file with."""
    return {
        "path": path.relative_to(folder).as_posix(),
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
    }


def save_table(stream: BinaryIO, tables: Sequence[dict[str, np.ndarray]]) -> None:
    """Write what is known of each slice, of several cases or shards one after the other."""
    names = tables[0] if tables else ()
    np.savez(stream, **{name: np.concatenate([table[name] for table in tables]) for name in names})  # type: ignore[arg-type]  # of allow_pickle


def _table(case: CaseSlices, number: int) -> dict[str, np.ndarray]:
    slices = len(case.labels)
    z_mm, fingerprints = case.z_mm, case.fingerprints
    return {
        "labels": case.labels,
        "has_mask": np.full(slices, case.marks is not None and case.blood_is_drawn),
        "is_obvious": case.is_obvious,
        "cases": np.full(slices, number, np.int32),
        "z_mm": np.full(slices, np.nan, np.float32) if z_mm is None else z_mm.astype(np.float32),
        "fingerprints": np.zeros((slices, 2), np.uint64) if fingerprints is None else fingerprints,
    }


def _write_header(stream: BinaryIO, shape: tuple[int, ...], dtype: str) -> None:
    npy.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    assert stream.tell() == HEADER_BYTES, "numpy leaves room for a longer shape"

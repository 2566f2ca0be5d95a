"""Slices on the model grid, ready to train on: one flat file of HU, random access by slice.

    slices.i16     int16 HU, (slices, rows, columns), C order, little endian
    labels.npy     bool, (slices, 6): any, then the subtypes in alphabetical order
    obvious.npy    bool, (slices,): a bleed that nobody could miss; training may start with these
    cases.npy      int, (slices,): which case of store.json a slice belongs to
    store.json     cases, grid, and what the store was made from; written last

A store without store.json is not finished and is made again.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from ichnos.errors import UsageError
from ichnos.runtime.files import replacing, write_json

LABELS = ("any", "epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
"""Columns of a store's labels."""

_INT16 = (-32768, 32767)
"""HU beyond are metal; they are clipped rather than wrapped around."""


@dataclass(frozen=True)
class CaseSlices:
    """The slices of one case, on their way into a store.

    Attributes:
        case: its id.
        patient: whose it is; cases of one patient are never split.
        slices_hu: on the model grid.
        labels: per slice, in the order of `LABELS`.
        is_obvious: per slice, whether it holds a bleed that nobody could miss.
    """

    case: str
    patient: str
    slices_hu: Float[np.ndarray, "slices rows columns"]
    labels: Bool[np.ndarray, "slices 6"]
    is_obvious: Bool[np.ndarray, " slices"]


@dataclass(frozen=True)
class SliceStore:
    """An opened store; HU stay on disk until a slice is asked for."""

    slices_hu: Int[np.ndarray, "slices rows columns"]
    labels: Bool[np.ndarray, "slices 6"]
    is_obvious: Bool[np.ndarray, " slices"]
    cases: Int[np.ndarray, " slices"]
    patients: tuple[str, ...]
    origin: dict[str, Any]

    @property
    def slice_patients(self) -> list[str]:
        """The patient of each slice."""
        return [self.patients[case] for case in self.cases]


def write_store(cases: Iterable[CaseSlices], folder: Path, image_size: int, origin: dict[str, Any]) -> None:
    """Stream cases into a new store.

    Args:
        cases: consumed one at a time; only labels are kept in memory.
        folder: created if needed.
        image_size: rows and columns of the model grid.
        origin: what the store is made from; `open_store` compares it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "store.json").unlink(missing_ok=True)
    labels, obvious, indices, listed = [], [], [], []
    with replacing(folder / "slices.i16") as temporary, temporary.open("wb") as stream:
        for number, case in enumerate(cases):
            np.rint(np.clip(case.slices_hu, *_INT16)).astype("<i2").tofile(stream)
            labels.append(case.labels)
            obvious.append(case.is_obvious)
            indices.append(np.full(len(case.labels), number))
            listed.append({"case": case.case, "patient": case.patient, "slices": len(case.labels)})
    if not listed:
        raise UsageError(f"no cases to prepare for {folder}")
    _save(folder / "labels.npy", np.concatenate(labels))
    _save(folder / "obvious.npy", np.concatenate(obvious))
    _save(folder / "cases.npy", np.concatenate(indices))
    write_json(folder / "store.json", {"image_size": image_size, "origin": origin, "cases": listed})


def open_store(folder: Path) -> SliceStore | None:
    """Open a finished store; None if there is none."""
    description = folder / "store.json"
    if not description.is_file():
        return None
    content = json.loads(description.read_text(encoding="utf-8"))
    labels = np.load(folder / "labels.npy")
    size = content["image_size"]
    return SliceStore(
        slices_hu=np.memmap(folder / "slices.i16", dtype="<i2", mode="r", shape=(len(labels), size, size)),
        labels=labels,
        is_obvious=np.load(folder / "obvious.npy"),
        cases=np.load(folder / "cases.npy"),
        patients=tuple(case["patient"] for case in content["cases"]),
        origin=content["origin"],
    )


def _save(path: Path, array: np.ndarray) -> None:
    with replacing(path) as temporary:
        np.save(temporary, array)

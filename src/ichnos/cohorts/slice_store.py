"""Slices on the model grid, ready to train on, with random access; `docs/reference/slice-store.md` has every byte.

A store is a folder. Pixels are int16 HU and uint8 marks in shards of .npy files; `slices.npz` holds
what is known of each slice, `store.json` what is known of each case and of the whole. `store.json`
is written last: a store without it is not finished.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int8, UInt8, UInt64

from ichnos.cohorts.shards import ShardedArray
from ichnos.errors import StoreError
from ichnos.runtime.files import sha256_of

LABELS = ("any", "epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
"""Columns of a store's labels."""

UNKNOWN = -1
"""Label of a slice that nobody labelled; 1 is yes, 0 is no."""

MARKS = {name: 1 << bit for bit, name in enumerate((*LABELS[1:], "any", "brain"))}
"""Bits of a marked pixel: the five subtypes, a bleed whose subtype was not told, the intracranial cavity."""

BLEED = sum(bit for name, bit in MARKS.items() if name != "brain")
"""All bits that mean blood."""

FORMAT = 2
"""Of the store; a store of another format is not opened."""


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
        blood_is_drawn: whether `marks` hold the blood, not only the intracranial cavity.
        z_mm: place of each slice along the scan's normal; None where it is not known.
        fingerprints: as `fingerprint.take_fingerprints` gives them; None if not taken.
        record: what else is known of the case, as JSON: see `SliceStore.records`.
        left_out: files that should have been part of it and are not, with the reason.
    """

    case: str
    patient: str
    slices_hu: Float[np.ndarray, "slices rows columns"]
    labels: Int8[np.ndarray, "slices 6"]
    is_obvious: Bool[np.ndarray, " slices"]
    marks: UInt8[np.ndarray, "slices rows columns"] | None = None
    blood_is_drawn: bool = True
    z_mm: Float[np.ndarray, " slices"] | None = None
    fingerprints: UInt64[np.ndarray, "slices 2"] | None = None
    record: Mapping[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


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
        origin: what the store was made from: settings and a digest of the cases.
        z_mm: per slice, its place along the scan's normal; NaN where it is not known.
        fingerprints: per slice, what its image looks like; zero where there is nothing to see.
        records: of the cases: geometry, identifiers, scan labels, repairs, ... .
        description: of the whole: cohort, licence, notes, totals, what was skipped.
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
    z_mm: Float32[np.ndarray, " slices"] | None = None
    fingerprints: UInt64[np.ndarray, "slices 2"] | None = None
    records: tuple[Mapping[str, Any], ...] = ()
    description: Mapping[str, Any] = field(default_factory=dict)

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

    @property
    def cohort(self) -> str:
        """Name of the collection; empty if it was not told."""
        return str(self.description.get("cohort", ""))


def open_store(folder: Path, verify: Literal["sizes", "checksums"] = "sizes") -> SliceStore | None:
    """Open a finished store; None if there is none.

    Args:
        folder: of the store.
        verify: look at the size of every file, or read all and compare their sha256.

    Raises:
        StoreError: a file is missing, cut short or altered, or the store is of another format.
    """
    if not (folder / "store.json").is_file():
        return None
    content = _read_description(folder)
    for file in (content["table"], *(file for shard in content["shards"] for file in shard["files"].values())):
        check_file(folder, file, verify)
    shape, lengths = (content["image_size"],) * 2, [shard["slices"] for shard in content["shards"]]
    cases, shards = content.pop("cases"), content["shards"]
    with np.load(folder / content["table"]["path"], allow_pickle=False) as table:
        return SliceStore(
            hu=ShardedArray([_path(folder, shard, "hu") for shard in shards], lengths, shape, "<i2"),
            marks=ShardedArray([_path(folder, shard, "marks") for shard in shards], lengths, shape, "u1"),
            **table,
            names=tuple(case["case"] for case in cases),
            patients=tuple(case["patient"] for case in cases),
            origin=content.pop("origin"),
            records=tuple(cases),
            description=content,
        )


def load_store(folder: Path, verify: Literal["sizes", "checksums"] = "sizes") -> SliceStore:
    """Open a store that must be there.

    Raises:
        StoreError: there is none, it is not finished, or it is damaged.
    """
    store = open_store(folder, verify)
    if store is None:
        raise StoreError(
            f"{folder} holds no finished slice store; make it with: ichnos prepare NAME -i ROOT -o {folder}"
        )
    return store


def check_file(folder: Path, file: Mapping[str, Any], verify: Literal["sizes", "checksums"] = "sizes") -> None:
    """Compare a file with its description (`path`, `bytes`, `sha256`).

    Raises:
        StoreError: it is missing, of another size, or altered.
    """
    path = folder / file["path"]
    size = path.stat().st_size if path.is_file() else None
    if size != file["bytes"]:
        found = "is missing" if size is None else f"holds {size} bytes instead of {file['bytes']}"
        raise StoreError(f"{path} {found}; prepare the store again")
    if verify == "checksums" and sha256_of(path) != file["sha256"]:
        raise StoreError(f"{path} is not what was written (sha256 differs); prepare the store again with --overwrite")


def _read_description(folder: Path) -> dict[str, Any]:
    path = folder / "store.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = content.get("format")
    except (ValueError, AttributeError) as error:
        raise StoreError(f"{path} is damaged ({error}); prepare the store again with --overwrite") from error
    if found != FORMAT:
        raise StoreError(
            f"{path} is of format {found}, this ichnos reads format {FORMAT}; prepare the store again with --overwrite"
        )
    return content


def _path(folder: Path, shard: Mapping[str, Any], kind: str) -> Path | None:
    return folder / shard["files"][kind]["path"] if kind in shard["files"] else None

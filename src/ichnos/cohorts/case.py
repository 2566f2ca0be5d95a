"""What a collection of scans is to ichnos: cases that point to files, and one loaded case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int8

from ichnos.scans.scan import Scan


@dataclass(frozen=True)
class Case:
    """A scan of a collection with its patient and whatever is known of it; nothing is decoded yet.

    Attributes:
        case: its id, unique in its cohort; it may name a folder of results.
        patient: whose it is; cases of one patient are never split.
        files: what holds the scan, as its reader wants it: a folder, a zip, a NIfTI file, or the
            DICOM files of one series.
        slice_labels: by the reader's key of a slice (never by order): six values in the order of
            `slice_store.LABELS`, 1 yes, 0 no, -1 not labelled.
        scan_labels: of the whole scan, by name in `slice_store.LABELS`; a missing name was not told.
        masks: files with bleed masks by rater; one rater without a name is `""`.
        brain_mask: file with an intracranial mask that came with the collection.
        identifiers: what tells the same scan in other collections: `series_uid`, `cq500`, ...
        hints: what the collection says beside labels: `split`, `batch`, `note`, ...
    """

    case: str
    patient: str
    files: tuple[Path, ...]
    slice_labels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    scan_labels: Mapping[str, bool] = field(default_factory=dict)
    masks: Mapping[str, Path] = field(default_factory=dict)
    brain_mask: Path | None = None
    identifiers: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """A file or case that was left out.

    Attributes:
        name: of the file or case.
        reason: one line.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class LabelledScan:
    """A decoded case.

    Attributes:
        case: what it was loaded from.
        scan: HU and geometry.
        slice_labels: per slice, feet to head, in the order of `slice_store.LABELS`; 1, 0 or -1.
        bleed_masks: by subtype, or under `any` where the subtype was not told; None where nobody
            drew a mask, an empty mapping where somebody looked and found nothing to draw.
        brain_mask: the collection's own intracranial mask, if it has one.
        repairs: what was mended while reading, with counts.
    """

    case: Case
    scan: Scan
    slice_labels: Int8[np.ndarray, "slices 6"]
    bleed_masks: Mapping[str, Bool[np.ndarray, "slices rows columns"]] | None
    brain_mask: Bool[np.ndarray, "slices rows columns"] | None = None
    repairs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Cohort:
    """A collection on disk.

    Attributes:
        name: of its reader in `readers.READERS`.
        root: its folder.
        licence: of the data, one line.
        cases: sorted by id.
        load: decodes one of its cases; raises ScanError for a case that cannot be used.
        skipped: what was left out while listing, and why.
        notes: differences from what is known of the collection (counts, missing files).
    """

    name: str
    root: Path
    licence: str
    cases: tuple[Case, ...]
    load: Callable[[Case], LabelledScan]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

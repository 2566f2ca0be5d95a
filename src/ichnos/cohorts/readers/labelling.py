"""A decoded scan with everything that is known of it: labels of slices, of the scan, and from masks.

Labels are joined by key, never by order. What one source does not tell, another may: a drawn mask
tells its slices, a scan without bleed has no slice with one. Nothing told is ever overruled; where
two sources contradict each other, the slice label stays and the contradiction is counted.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int8

from ichnos.cohorts.case import Case, LabelledScan
from ichnos.cohorts.readers.masks import DrawnMasks
from ichnos.cohorts.slice_store import LABELS, UNKNOWN
from ichnos.scans.scan import Scan

MASK_DISAGREES = "slices whose label and mask disagree"
SCAN_DISAGREES = "labels of the scan that its slices contradict"


def label_scan(
    case: Case,
    scan: Scan,
    slice_labels: Int8[np.ndarray, "slices 6"],
    bleed_masks: DrawnMasks | None,
    *,
    told: Collection[str] = (),
    brain_mask: Bool[np.ndarray, "slices rows columns"] | None = None,
) -> LabelledScan:
    """Put a case together.

    Args:
        case: what was read.
        scan: decoded.
        slice_labels: as the collection tells them (see `join_labels`), feet to head.
        bleed_masks: None where nobody drew.
        told: subtypes that whoever drew the masks would have told apart; none for a binary mask.
        brain_mask: the collection's own.
    """
    drawn = labels_of_masks(bleed_masks, len(scan.voxels_hu), told)
    labels = fill_implied(np.where(slice_labels == UNKNOWN, drawn, slice_labels).astype(np.int8), case.scan_labels)
    both = (slice_labels != UNKNOWN) & (drawn != UNKNOWN)
    counts = {
        MASK_DISAGREES: int((both & (slice_labels != drawn)).any(axis=1).sum()),
        SCAN_DISAGREES: sum(not yes and bool((labels[:, LABELS.index(name)] == 1).any()) for name, yes in _told(case)),
    }
    repairs = dict(scan.repairs) | {what: count for what, count in counts.items() if count}
    return LabelledScan(case, scan, labels, bleed_masks, brain_mask, repairs)


def join_labels(
    labels: Mapping[str, tuple[int, ...]], keys: Sequence[str]
) -> tuple[Int8[np.ndarray, "slices 6"], list[str]]:
    """Labels of slices in the order of `keys`, and the keys of labels that have no slice.

    Args:
        labels: six values a key; see `Case.slice_labels`.
        keys: of the slices of a scan, feet to head.
    """
    untold = (UNKNOWN,) * len(LABELS)
    joined = np.array([labels.get(key, untold) for key in keys], np.int8).reshape(len(keys), len(LABELS))
    return joined, sorted(set(labels) - set(keys))


def unknown_labels(slices: int) -> Int8[np.ndarray, "slices 6"]:
    """Labels of slices that nobody labelled."""
    return np.full((slices, len(LABELS)), UNKNOWN, np.int8)


def labels_of_masks(bleed_masks: DrawnMasks | None, slices: int, told: Collection[str]) -> Int8[np.ndarray, "slices 6"]:
    """What masks say of each slice: 1 where a voxel is marked.

    A subtype that was not told apart is unknown in slices with blood of an untold subtype.
    """
    labels = unknown_labels(slices)
    if bleed_masks is None:
        return labels
    present = {name: voxels.any(axis=(1, 2)) for name, voxels in bleed_masks.items()}
    bleeds = np.logical_or.reduce([np.zeros(slices, bool), *present.values()])
    untold = present.get("any", np.zeros(slices, bool))
    labels[:, 0] = bleeds
    for column, name in enumerate(LABELS[1:], 1):
        shown = present.get(name, np.zeros(slices, bool))
        labels[:, column] = np.where(shown, 1, np.where(untold | (bleeds & (name not in told)), UNKNOWN, 0))
    return labels


def fill_implied(labels: Int8[np.ndarray, "slices 6"], scan_labels: Mapping[str, bool]) -> Int8[np.ndarray, "slices 6"]:
    """Fill unknown labels that others imply: no bleed means no subtype, a subtype means a bleed."""
    filled = labels.copy()
    for name, yes in scan_labels.items():
        column = filled[:, LABELS.index(name)]
        if not yes:
            column[column == UNKNOWN] = 0
    any_bleed, subtypes = filled[:, 0], filled[:, 1:]
    any_bleed[(any_bleed == UNKNOWN) & (subtypes == 1).any(axis=1)] = 1
    subtypes[(subtypes == UNKNOWN) & (any_bleed == 0)[:, None]] = 0
    return filled


def _told(case: Case) -> list[tuple[str, bool]]:
    return list(case.scan_labels.items())

"""Cases whose masks lie in NIfTI files of their own, one a rater."""

from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Int8

from ichnos.cohorts.case import Case, LabelledScan
from ichnos.cohorts.readers.labelling import label_scan, unknown_labels
from ichnos.cohorts.readers.masks import BINARY, DrawnMasks, read_bleed_masks, read_brain_mask, take_majority
from ichnos.errors import UsageError
from ichnos.scans import read_scan
from ichnos.scans.scan import Scan

MAJORITY = "majority"
"""Rater that stands for what more than half of all raters drew."""


def load_drawn(case: Case, *, classes: Mapping[int, str | None] = BINARY, rater: str = MAJORITY) -> LabelledScan:
    """Decode a scan and its masks; slices are labelled by the masks.

    Args:
        case: with one file, or the files of one series.
        classes: see `read_bleed_masks`.
        rater: whose masks to take; a case that this rater did not draw has none.

    Raises:
        ScanError: the scan or a mask cannot be used, or they do not belong together.
    """
    scan = read_scan(case.files)
    return label_drawn(case, scan, unknown_labels(len(scan.voxels_hu)), classes=classes, rater=rater)


def label_drawn(
    case: Case,
    scan: Scan,
    slice_labels: Int8[np.ndarray, "slices 6"],
    *,
    classes: Mapping[int, str | None] = BINARY,
    rater: str = MAJORITY,
) -> LabelledScan:
    """As `load_drawn`, of a decoded scan with slice labels of its own."""
    raters = case.masks if rater == MAJORITY else {name: path for name, path in case.masks.items() if name == rater}
    drawn = [read_bleed_masks(path, scan, classes) for path in raters.values()]
    bleed_masks: DrawnMasks | None = take_majority(drawn) if len(drawn) > 1 else drawn[0] if drawn else None
    brain_mask = None if case.brain_mask is None else read_brain_mask(case.brain_mask, scan)
    told = [name for name in classes.values() if name is not None and name != "any"]
    return label_scan(case, scan, slice_labels, bleed_masks, told=told, brain_mask=brain_mask)


def check_rater(cases: Iterable[Case], rater: str) -> str:
    """Give back a rater that drew at least one of the cases.

    Raises:
        UsageError: nobody of that name did.
    """
    names = sorted({name for case in cases for name in case.masks})
    if rater != MAJORITY and rater not in names:
        raise UsageError(f"no rater is called {rater!r}; there are: {', '.join(names) or 'none'}, or {MAJORITY}")
    return rater

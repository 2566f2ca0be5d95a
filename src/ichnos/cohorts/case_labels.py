"""What is known of whole scans, from their slices and from what the collection says of the scan."""

import numpy as np
from jaxtyping import Bool, Int8

from ichnos.cohorts.slice_store import LABELS, UNKNOWN, SliceStore


def label_cases(store: SliceStore) -> Int8[np.ndarray, "cases 6"]:
    """Labels of scans, in the order of `LABELS`: 1, 0, or -1 where it cannot be told.

    A scan has what one of its slices has, or what the collection says it has. It has not what none
    of its slices has, if all are labelled, or what the collection says it has not.
    """
    labels = np.full((len(store.names), len(LABELS)), UNKNOWN, np.int8)
    has, has_not = np.zeros(labels.shape, bool), np.ones(labels.shape, bool)
    np.logical_or.at(has, store.cases, store.labels == 1)
    np.logical_and.at(has_not, store.cases, store.labels == 0)
    labels[has_not] = 0
    for case, record in enumerate(store.records):
        for name, is_there in record.get("scan_labels", {}).items():
            labels[case, LABELS.index(name)] = int(is_there)
    labels[has] = 1
    return labels


def find_drawn(store: SliceStore) -> Bool[np.ndarray, " cases"]:
    """Scans with masks: somebody drew the blood on all slices where there is any."""
    drawn = np.ones(len(store.names), bool)
    np.logical_and.at(drawn, store.cases, store.has_mask)
    return drawn

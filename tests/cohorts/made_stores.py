"""Stores in memory whose cases are told one by one."""

import numpy as np

from ichnos.cohorts.slice_store import LABELS, SliceStore

COLUMNS = {name: column for column, name in enumerate(LABELS)}


def store_of(cases, cohort="made-up"):
    """A store of cases.

    Args:
        cases: each a dict with `name`, `patient` and, if they matter, `slices` (a list of sets of
            labels, or None for a slice nobody labelled), `drawn`, `record`, `fingerprints`.
        cohort: name of the collection.
    """
    labels, has_mask, numbers, prints = [], [], [], []
    for number, case in enumerate(cases):
        slices = case.get("slices", [set()])
        for seen in slices:
            row = np.full(6, -1 if seen is None else 0, np.int8)
            for name in seen or ():
                row[[0, COLUMNS[name]]] = 1
            labels.append(row)
        has_mask += [case.get("drawn", False)] * len(slices)
        numbers += [number] * len(slices)
        prints.append(case.get("fingerprints", np.zeros((len(slices), 2), np.uint64)))
    blank = np.zeros((len(labels), 2, 2), np.int16)
    return SliceStore(
        hu=blank,
        marks=blank.astype(np.uint8),
        labels=np.array(labels, np.int8),
        has_mask=np.array(has_mask),
        is_obvious=np.zeros(len(labels), bool),
        cases=np.array(numbers),
        names=tuple(case["name"] for case in cases),
        patients=tuple(case["patient"] for case in cases),
        origin={},
        fingerprints=np.concatenate(prints),
        records=tuple(case.get("record", {}) for case in cases),
        description={"cohort": cohort},
    )


def one(name, patient, *slices, **more):
    """A case of `store_of`."""
    return {"name": name, "patient": patient, "slices": list(slices) or [set()], **more}

"""What a store holds, counted: labels, patients, geometry, duplicates."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ichnos.cohorts.case_labels import find_drawn, label_cases
from ichnos.cohorts.leakage import pairs_by_image
from ichnos.cohorts.slice_store import LABELS, SliceStore

_COMPARED_SLICES = 20_000
"""Every slice is compared with every other up to here: about ten seconds."""


def describe_store(store: SliceStore) -> dict[str, Any]:
    """Counts of a store, as JSON.

    `duplicates` are pairs of cases that are one scan, by identifier or image; images are compared
    in stores of up to 20,000 slices.
    """
    by_case, drawn = label_cases(store), find_drawn(store)
    scans_each = Counter(Counter(store.patients).values())
    return {
        "cohort": store.cohort,
        "licence": store.description.get("licence", ""),
        "cases": len(store.names),
        "patients": len(set(store.patients)),
        "slices": len(store),
        "pixels": list(store.hu.shape[1:]),
        "scans_of_a_patient": {str(scans): scans_each[scans] for scans in sorted(scans_each)},
        "labels": {
            name: {"slices": _tell(store.labels[:, column]), "scans": _tell(by_case[:, column])}
            for column, name in enumerate(LABELS)
        },
        "scans_with_masks": int(drawn.sum()),
        "scans_with_masks_that_bleed": int((drawn & (by_case[:, 0] == 1)).sum()),
        "slices_of_a_scan": _spread(np.bincount(store.cases, minlength=len(store.names)).tolist()),
        "slice_gap_mm": _spread([record["spacing_mm"][0] for record in store.records if "spacing_mm" in record]),
        "pixel_mm": _spread([record["spacing_mm"][1] for record in store.records if "spacing_mm" in record]),
        "tilt_degrees": _spread([record["tilt_degrees"] for record in store.records if "tilt_degrees" in record]),
        "tilted_scans": sum(record.get("tilt_degrees", 0.0) > 0.5 for record in store.records),
        "unevenly_spaced_scans": sum(not record.get("evenly_spaced", True) for record in store.records),
        "duplicates": find_duplicates(store),
        "images_compared": len(store) <= _COMPARED_SLICES,
        "totals": dict(store.description.get("totals", {})),
        "notes": list(store.description.get("notes", [])),
    }


def find_duplicates(store: SliceStore) -> list[dict[str, Any]]:
    """Pairs of cases that are one scan, and what tells it."""
    found: dict[tuple[int, int], str] = {}
    if len(store) <= _COMPARED_SLICES:
        found = {(pair.train, pair.test): "image" for pair in pairs_by_image(store, store) if pair.train < pair.test}
    first: dict[str, int] = {}
    for case, record in enumerate(store.records):
        uid = record.get("identifiers", {}).get("series_uid")
        if uid is not None and first.setdefault(uid, case) != case:
            found[first[uid], case] = "series_uid"
    return [{"cases": [store.names[one], store.names[other]], "by": found[one, other]} for one, other in sorted(found)]


def _tell(labels: np.ndarray) -> dict[str, int]:
    return {name: int((labels == value).sum()) for name, value in (("yes", 1), ("no", 0), ("unknown", -1))}


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    """Least, median and most; None of nothing."""
    if not values:
        return None
    return {
        "least": round(float(np.min(values)), 4),
        "median": round(float(np.median(values)), 4),
        "most": round(float(np.max(values)), 4),
    }

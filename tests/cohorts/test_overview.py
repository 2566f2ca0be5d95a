import numpy as np
from cohorts.made_stores import one, store_of

from ichnos.cohorts import overview
from ichnos.cohorts.overview import describe_store, find_duplicates


def prints(seed):
    return np.random.default_rng(seed).integers(0, 2**64, (4, 2), dtype=np.uint64)


def geometry(gap_mm, tilt=0.0, *, even=True, **identifiers):
    return {
        "spacing_mm": [gap_mm, 0.5, 0.5],
        "tilt_degrees": tilt,
        "evenly_spaced": even,
        "identifiers": identifiers,
    }


BLEEDING = [{"subdural"}, {"subdural", "epidural"}, set(), set()]

STORE = store_of([
    one("a", "p", *BLEEDING, drawn=True, record=geometry(5.0), fingerprints=prints(1)),
    one("b", "p", None, None, None, None, record=geometry(2.5, 12.0), fingerprints=prints(2)),
    one("c", "q", set(), set(), set(), set(), drawn=True, record=geometry(1.0, even=False), fingerprints=prints(1)),
])  # fmt: skip


def test_labels_are_counted_by_slice_and_by_scan():
    labels = describe_store(STORE)["labels"]
    assert labels["any"] == {
        "slices": {"yes": 2, "no": 6, "unknown": 4},
        "scans": {"yes": 1, "no": 1, "unknown": 1},
    }
    assert labels["epidural"]["slices"]["yes"] == 1


def test_patients_masks_and_geometry_are_counted():
    told = describe_store(STORE)
    assert (told["cases"], told["patients"], told["slices"]) == (3, 2, 12)
    assert told["scans_of_a_patient"] == {"1": 1, "2": 1}
    assert (told["scans_with_masks"], told["scans_with_masks_that_bleed"]) == (2, 1)
    assert told["slice_gap_mm"] == {"least": 1.0, "median": 2.5, "most": 5.0}
    assert (told["tilted_scans"], told["unevenly_spaced_scans"]) == (1, 1)
    assert told["slices_of_a_scan"] == {"least": 4.0, "median": 4.0, "most": 4.0}


def test_a_scan_that_stands_there_twice_is_found():
    assert find_duplicates(STORE) == [{"cases": ["a", "c"], "by": "image"}]
    same = store_of(
        [one("a", "p", record=geometry(1, series_uid="1")), one("b", "q", record=geometry(1, series_uid="1"))]
    )
    assert find_duplicates(same) == [{"cases": ["a", "b"], "by": "series_uid"}]


def test_large_stores_are_compared_by_identifier_only(monkeypatch):
    monkeypatch.setattr(overview, "_COMPARED_SLICES", 11)
    assert find_duplicates(STORE) == []
    assert describe_store(STORE)["images_compared"] is False


def test_a_store_without_records_is_described():
    told = describe_store(store_of([one("a", "p")]))
    assert told["slice_gap_mm"] is None

"""Scans that stand in two stores: no model is tested on what it was trained on.

Collections are made from each other (`MADE_FROM`). Where identifiers survived they tell the same
scan; where they did not, fingerprints of its slices do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from ichnos.cohorts.fingerprint import count_differing, mirror
from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import UsageError

MADE_FROM = {
    "hemseg-200": "rsna-2019",
    "bhsd": "rsna-2019",
    "mbh-seg": "rsna-2019",
    "seg-cq500": "cq500",
    "physionet-ct-ich-jpeg": "physionet-ct-ich",
}
"""Collections whose scans were taken from another."""

SAME_SLICE_BITS = 12
"""Fingerprints of one slice differ in at most so many bits, of 128, after windowing, resizing or JPEG."""

SAME_SCAN_SHARE = 0.4
"""Two scans are one if this share of the slices of either is found in the other. Measured on 24
phantoms and a real scan: other scans share at most 0.17, the same scan at 128 pixels, in another
window, as JPEG, mirrored or with 5% cut off all around at least 0.46 (turned by 2 degrees, 0.17)."""

_LEAST_SLICES = 3
"""Fewer equal slices are no evidence, unless the scan has no more."""

_PRIVATE = frozenset({"", "folder", "nnunet"})
"""Readers of whatever a user has: patients of two such stores may have equal names by chance."""

_AT_ONCE = 65536
"""Slices compared together; bounds memory."""


@dataclass(frozen=True)
class Pair:
    """The same scan, or another scan of the same patient, in two stores.

    Attributes:
        train: case of the training store.
        test: case of the test store.
        by: what tells it: the name of an identifier, `patient`, or `image`.
    """

    train: int
    test: int
    by: str


@dataclass(frozen=True)
class Overlap:
    """What two stores share.

    Attributes:
        pairs: cases, sorted.
        are_related: whether one collection is known to be made from the other, or both from a third.
        were_compared: whether anything could tell: the same kind of identifier, or fingerprints, on both sides.
    """

    pairs: tuple[Pair, ...]
    are_related: bool
    were_compared: bool

    @property
    def counts(self) -> dict[str, int]:
        """Test cases that are shared, by what tells it."""
        kinds = sorted({pair.by for pair in self.pairs})
        return {kind: len({pair.test for pair in self.pairs if pair.by == kind}) for kind in kinds}

    def keep_training_rows(self, train: SliceStore) -> Int[np.ndarray, " rows"]:
        """Rows of the training store without any scan of a patient who is shared."""
        shared = {train.patients[pair.train] for pair in self.pairs}
        return _rows_without(train, shared)

    def keep_test_rows(self, test: SliceStore) -> Int[np.ndarray, " rows"]:
        """Rows of the test store without any scan of a patient who is shared."""
        shared = {test.patients[pair.test] for pair in self.pairs}
        return _rows_without(test, shared)


def find_overlap(train: SliceStore, test: SliceStore) -> Overlap:
    """Find scans and patients that stand in both stores."""
    pairs = {(pair.train, pair.test): pair for pair in pairs_by_image(train, test)}
    pairs |= {(pair.train, pair.test): pair for pair in _pairs_by_name(train, test)}
    compared = bool(_kinds(train) & _kinds(test)) or (_has_fingerprints(train) and _has_fingerprints(test))
    related = _root(train.cohort) == _root(test.cohort) and train.cohort not in _PRIVATE
    return Overlap(tuple(pairs[key] for key in sorted(pairs)), related, compared)


def check_leakage(train: SliceStore, test: SliceStore) -> None:
    """Refuse to train on one store and test on the other if they share scans or patients.

    Raises:
        UsageError: they do, or they are related and nothing tells whether they do.
    """
    overlap = find_overlap(train, test)
    if overlap.pairs:
        pair = overlap.pairs[0]
        told = ", ".join(f"{count} by {kind}" for kind, count in overlap.counts.items())
        shared = len({pair.test for pair in overlap.pairs})
        raise UsageError(
            f"{shared} of {len(test.names)} test cases are in the training store or of its patients ({told}), such as "
            f"{test.names[pair.test]}, there {train.names[pair.train]}; leave them out, or test on another collection"
        )
    if overlap.are_related and not overlap.were_compared:
        raise UsageError(
            f"{train.cohort} and {test.cohort} hold scans of one origin, and nothing tells which; "
            "prepare both stores again, so that their images can be compared"
        )


def pairs_by_image(first: SliceStore, second: SliceStore) -> Iterator[Pair]:
    """Pairs of cases whose slices look alike, in whatever window, size or side."""
    if not (_has_fingerprints(first) and _has_fingerprints(second)):
        return
    assert first.fingerprints is not None
    assert second.fingerprints is not None
    has_content = first.fingerprints.any(axis=1)
    prints, cases = first.fingerprints[has_content], first.cases[has_content]
    for test in range(len(second.names)):
        asked = second.fingerprints[second.cases == test]
        asked = asked[asked.any(axis=1)]
        if len(asked):
            shares = _share_slices(asked, prints, cases, len(first.names))
            for train in np.flatnonzero(shares >= SAME_SCAN_SHARE):
                yield Pair(int(train), test, "image")


def _share_slices(
    asked: UInt64[np.ndarray, "asked 2"],
    prints: UInt64[np.ndarray, "known 2"],
    cases: Int[np.ndarray, " known"],
    count: int,
) -> Float[np.ndarray, " cases"]:
    """For each known case, the larger share of slices found in the other, of the one or the other."""
    shares = np.zeros(count)
    for sides in (asked, mirror(asked)):
        found_asked = np.zeros((len(asked), count), bool)
        found_known = np.zeros(len(prints), bool)
        for start in range(0, len(prints), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            is_same = count_differing(sides, prints[part]) <= SAME_SLICE_BITS
            found_known[part] = is_same.any(axis=0)
            row, column = np.nonzero(is_same)
            found_asked[row, cases[part][column]] = True
        shares = np.maximum(shares, _share(found_asked, found_known, cases))
    return shares


def _share(
    found_asked: Bool[np.ndarray, "asked cases"],
    found_known: Bool[np.ndarray, " known"],
    cases: Int[np.ndarray, " known"],
) -> Float[np.ndarray, " cases"]:
    slices, count = found_asked.shape
    of_asked = found_asked.sum(axis=0)
    of_known = np.bincount(cases, weights=found_known, minlength=count)
    known = np.bincount(cases, minlength=count)
    shares = np.maximum(of_asked / slices, of_known / np.maximum(known, 1))
    least = np.minimum(_LEAST_SLICES, np.minimum(known, slices))
    is_evidence = (np.minimum(of_asked, of_known) >= least) & (known > 0)
    return np.where(is_evidence, shares, 0.0)


def _pairs_by_name(train: SliceStore, test: SliceStore) -> Iterator[Pair]:
    """By identifiers, and by patient where both stores are of one public collection."""
    there: dict[tuple[str, str], list[int]] = {}
    is_one_collection = train.cohort == test.cohort and train.cohort not in _PRIVATE
    for case in range(len(train.names)):
        for one in _told(train, case, with_patient=is_one_collection):
            there.setdefault(one, []).append(case)
    for case in range(len(test.names)):
        for one in _told(test, case, with_patient=is_one_collection):
            yield from (Pair(other, case, one[0]) for other in there.get(one, ()))


def _told(store: SliceStore, case: int, *, with_patient: bool) -> list[tuple[str, str]]:
    return [*_identifiers(store, case), *([("patient", store.patients[case])] if with_patient else [])]


def _identifiers(store: SliceStore, case: int) -> list[tuple[str, str]]:
    if not store.records:
        return []
    return sorted(store.records[case].get("identifiers", {}).items())


def _kinds(store: SliceStore) -> set[str]:
    return {kind for case in range(len(store.names)) for kind, _ in _identifiers(store, case)}


def _has_fingerprints(store: SliceStore) -> bool:
    return store.fingerprints is not None and bool(store.fingerprints.any())


def _root(cohort: str) -> str:
    return MADE_FROM.get(cohort, cohort)


def _rows_without(store: SliceStore, patients: set[str]) -> Int[np.ndarray, " rows"]:
    is_kept = np.array([patient not in patients for patient in store.patients])
    return np.flatnonzero(is_kept[store.cases])

import json
from collections import Counter

import numpy as np
import pytest
from cohorts.made_stores import one, store_of
from hypothesis import given
from hypothesis import strategies as st

from ichnos.cohorts.folds import Folds, make_folds, paper_folds, read_folds, write_folds
from ichnos.errors import CohortError, UsageError

MANIFEST = (
    "39 32 46 35 35 33 56 40 43 38 34 31 32 40 39 34 33 37 39 36 51 35 36 40 33 56 34 37 52 34 37 32 34 42 33 37 37 38 "
    "47 37 37 33 48 33 34 35 37 40 31 34 36 37 58 33 33 39 38 33 32 38 36 33 35 36 35 35 32 43 37 43 34 36 35 35 36"
)
"""Slices of the scans of PhysioNet ct-ich 1.3.1: 049 to 058, 066 to 130."""

SCANS = [f"{number:03d}" for number in (*range(49, 59), *range(66, 131))]
SLICES = dict(zip(SCANS, map(int, MANIFEST.split()), strict=True))
BLEEDING = {f"{number:03d}" for number in (*range(49, 54), 58, *range(66, 95), 97)}


def some_store(scans):
    """A store of (patient, bleeds) scans; None for a scan nobody labelled."""
    slices = {True: {"subdural"}, False: set(), None: None}
    return store_of([one(f"s{n:03d}", patient, slices[bleeds]) for n, (patient, bleeds) in enumerate(scans)])


STORES = st.lists(st.tuples(st.sampled_from("abcdefghijkl"), st.sampled_from([True, False, None])), min_size=4)


def kinds(store):
    found = {}
    for patient, label in zip(store.patients, store.labels[:, 0].tolist(), strict=True):
        found[patient] = max(found.get(patient, -1), label)
    return found


@given(STORES, st.integers(2, 5), st.integers(0, 1000))
def test_no_patient_is_in_two_folds_and_every_scan_is_in_one(scans, count, seed):
    store = some_store(scans)
    bleeding = sum(kind == 1 for kind in kinds(store).values())
    if len(set(store.patients)) < count or 0 < bleeding < count:
        with pytest.raises(UsageError, match=rf"^{count} folds need at least {count} patients"):
            make_folds(store, count, seed)
        return
    folds = make_folds(store, count, seed)
    of_patient = {}
    for patient, fold in zip(folds.patients, folds.folds, strict=True):
        assert of_patient.setdefault(patient, fold) == fold
    assert set(folds.folds) == set(range(count))
    seen = []
    for fold in range(count):
        train, test = folds.split_rows(store, fold)
        assert {store.slice_patients[row] for row in train}.isdisjoint(store.slice_patients[row] for row in test)
        assert sorted([*train, *test]) == list(range(len(store)))
        seen += test.tolist()
        if bleeding:
            assert store.is_positive[test].any(), "a fold without a bleed measures nothing"
    assert sorted(seen) == list(range(len(store)))


def test_folds_are_even_where_they_can_be():
    store = some_store([(f"p{n}", n % 3 == 0) for n in range(61)])
    folds = make_folds(store, 5, seed=4)
    sizes = Counter(folds.folds).values()
    bleeding = Counter(fold for fold, n in zip(folds.folds, range(61), strict=True) if n % 3 == 0).values()
    assert max(sizes) - min(sizes) <= 1
    assert max(bleeding) - min(bleeding) <= 1


def test_a_patient_with_many_scans_does_not_swell_a_fold():
    scans = [("big", True)] * 6 + [(f"p{n}", True) for n in range(24)]
    sizes = Counter(make_folds(some_store(scans), 5, 0).folds)
    assert sorted(sizes.values()) == [6, 6, 6, 6, 6]


def test_folds_do_not_depend_on_the_order_of_the_store():
    cases = [one(f"s{n}", f"p{n // 2}", {"epidural"} if n % 3 else set()) for n in range(30)]
    first, second = make_folds(store_of(cases), 3, 7), make_folds(store_of(cases[::-1]), 3, 7)
    assert dict(zip(first.names, first.folds, strict=True)) == dict(zip(second.names, second.folds, strict=True))


def test_seeds_differ_and_equal_seeds_do_not():
    store = some_store([(f"p{n}", n % 2 == 0) for n in range(20)])
    assert len({make_folds(store, 5, seed).folds for seed in range(6)}) > 4
    assert make_folds(store, 5, 3) == make_folds(store, 5, 3)


def test_folds_of_one_are_refused():
    with pytest.raises(UsageError, match=r"^a cross-validation needs at least 2 folds; got 1$"):
        make_folds(some_store([("a", True), ("b", True)]), 1, 0)


STORE = some_store([(f"p{n // 2}", n % 2 == 0) for n in range(12)])
FOLDS = make_folds(STORE, 3, 1)


def test_folds_are_frozen_and_read_back(tmp_path):
    write_folds(FOLDS, tmp_path / "folds.json")
    assert read_folds(tmp_path / "folds.json") == FOLDS


def test_an_altered_file_is_refused(tmp_path):
    path = tmp_path / "folds.json"
    write_folds(FOLDS, path)
    content = json.loads(path.read_text())
    moved = content["cases"][0]["patient"]
    for case in content["cases"]:
        if case["patient"] == moved:
            case["fold"] = (case["fold"] + 1) % 3
    path.write_text(json.dumps(content))
    with pytest.raises(CohortError, match=r"folds.json was altered after it was made"):
        read_folds(path)


def test_a_file_with_a_patient_in_two_folds_is_refused(tmp_path):
    path = tmp_path / "folds.json"
    write_folds(FOLDS, path)
    content = json.loads(path.read_text())
    content["cases"][0]["fold"] = (content["cases"][0]["fold"] + 1) % 3
    path.write_text(json.dumps(content))
    with pytest.raises(CohortError, match=r"^cases s000 and s001 are of one patient, but in folds \d and \d; make"):
        read_folds(path)


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "other"}', '{"kind": "ichnos folds 1"}'])
def test_a_file_of_something_else_is_one_line(tmp_path, text):
    (tmp_path / "folds.json").write_text(text)
    with pytest.raises(CohortError, match=r"folds.json holds no folds"):
        read_folds(tmp_path / "folds.json")
    with pytest.raises(CohortError, match=r"none.json cannot be read: No such file"):
        read_folds(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        (slice(1, None), r"^the folds name s000 that the store does not hold"),
        (slice(3, None), r"^the folds name s000 and 2 more that the store does not hold"),
    ],
)
def test_folds_of_another_store_are_refused(cases, message):
    other = store_of([one(f"s{n:03d}", f"p{n // 2}") for n in range(12)][cases])
    with pytest.raises(CohortError, match=message):
        FOLDS.split_rows(other, 0)


def test_a_store_with_more_cases_or_other_patients_is_refused():
    more = store_of([one(f"s{n:03d}", f"p{n // 2}") for n in range(13)])
    with pytest.raises(CohortError, match=r"^the store holds s012 that the folds do not name"):
        FOLDS.check(more)
    moved = store_of([one(f"s{n:03d}", f"p{n}") for n in range(12)])
    with pytest.raises(CohortError, match=r"^store and folds give s001 and 10 more to different patients"):
        FOLDS.check(moved)


def test_a_fold_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match=r"^there are folds 0 to 2; got 3$"):
        FOLDS.split_rows(STORE, 3)


@pytest.mark.parametrize(
    ("names", "folds", "message"),
    [(("a", "a"), (0, 1), "name case a 2 times"), (("a", "b"), (0, 0), "2 folds must each hold a case")],
)
def test_folds_that_cannot_be_are_refused(names, folds, message):
    with pytest.raises(CohortError, match=message):
        Folds("x", 2, names, ("p", "q"), folds)


def deal(positives, count):
    """What StratifiedKFold does without shuffling, in a plain way (Rasoulian et al. 2023 used it).

    Scans sorted by class are dealt to folds in turn, which says how many of each class a fold gets;
    then each class gives its scans to the folds in order.
    """
    names = sorted(positives)
    first_seen = list(dict.fromkeys(positives[name] for name in names))
    by_class = sorted(first_seen.index(positives[name]) for name in names)
    folds = {}
    for number, value in enumerate(first_seen):
        shares = [by_class[fold::count].count(number) for fold in range(count)]
        turns = [fold for fold, share in enumerate(shares) for _ in range(share)]
        folds |= dict(zip([name for name in names if positives[name] == value], turns, strict=True))
    return folds


@given(st.lists(st.integers(0, 6), min_size=30, max_size=75), st.sampled_from([2, 5]))
def test_the_papers_folds_are_dealt_by_the_number_of_positive_slices(positives, count):
    given_positives = {SCANS[place]: value for place, value in enumerate(positives)}
    assert paper_folds(given_positives, count) == deal(given_positives, count)


def test_the_papers_folds_on_the_known_slice_counts_by_label_alone():
    """With yes and no for the number of positive slices the folds have these totals, as is known."""
    folds = paper_folds({name: int(name in BLEEDING) for name in SCANS})
    totals = [sum(SLICES[name] for name in SCANS if folds[name] == fold) for fold in range(5)]
    assert totals == [584, 534, 590, 540, 566]


def test_the_known_slice_counts_add_up():
    assert (len(SLICES), sum(SLICES.values()), len(BLEEDING)) == (75, 2814, 36)
    assert sum(SLICES[name] for name in BLEEDING) == 1358
    assert np.sum([596, 522, 559, 572, 565]) == 2814, "the paper's folds"


def test_too_few_scans_for_the_papers_folds_are_refused():
    with pytest.raises(UsageError, match=r"^5 folds need 5 scans with as many positive slices as each other$"):
        paper_folds({"049": 1, "050": 2, "051": 2})

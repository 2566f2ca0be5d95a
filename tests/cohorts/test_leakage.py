import numpy as np
import pytest
from cohorts.made_stores import one, store_of

from ichnos.cohorts.fingerprint import mirror
from ichnos.cohorts.leakage import Pair, check_leakage, find_overlap
from ichnos.errors import UsageError


def prints(seed, slices=10):
    return np.random.default_rng(seed).integers(0, 2**64, (slices, 2), dtype=np.uint64)


def flip_bits(words, count, seed=0):
    """The same slices with `count` bits of each changed."""
    rng = np.random.default_rng(seed)
    changed = words.copy()
    for row in changed:
        for bit in rng.choice(128, count, replace=False):
            row[bit // 64] ^= np.uint64(1 << int(bit % 64))
    return changed


def scan(name, patient, words, **identifiers):
    return one(name, patient, *[set()] * len(words), fingerprints=words, record={"identifiers": identifiers})


TRAIN = store_of([scan(f"t{n}", f"p{n // 2}", prints(n), series_uid=f"1.{n}") for n in range(6)], "rsna-2019")


def test_nothing_is_shared_by_strangers():
    test = store_of([scan("x", "q", prints(99), series_uid="9.9")], "cq500")
    assert find_overlap(TRAIN, test).pairs == ()
    check_leakage(TRAIN, test)


def test_an_identifier_tells_the_scan_whatever_it_looks_like():
    test = store_of([scan("x", "q", prints(99), series_uid="1.3")], "hemseg-200")
    found = find_overlap(TRAIN, test)
    assert found.pairs == (Pair(3, 0, "series_uid"),)
    assert found.are_related
    assert found.counts == {"series_uid": 1}


def test_a_value_under_another_name_tells_nothing():
    test = store_of([scan("x", "q", prints(99), cq500="1.3")], "cq500")
    assert find_overlap(TRAIN, test).pairs == ()


@pytest.mark.parametrize(("bits", "is_found"), [(0, True), (12, True), (13, False), (30, False)])
def test_an_image_tells_the_scan_up_to_twelve_bits(bits, is_found):
    test = store_of([scan("x", "q", flip_bits(prints(4), bits))], "bhsd")
    assert find_overlap(TRAIN, test).pairs == ((Pair(4, 0, "image"),) if is_found else ())


def test_a_mirrored_image_tells_the_scan():
    test = store_of([scan("x", "q", mirror(flip_bits(prints(2), 6)))], "bhsd")
    assert find_overlap(TRAIN, test).pairs == (Pair(2, 0, "image"),)


@pytest.mark.parametrize(("kept", "is_found"), [(4, True), (3, False), (2, False)])
def test_a_part_of_a_scan_is_enough(kept, is_found):
    words = np.concatenate([prints(1)[:kept], prints(77, 10 - kept)])
    test = store_of([scan("x", "q", words)], "bhsd")
    assert bool(find_overlap(TRAIN, test).pairs) is is_found


def test_a_few_slices_of_a_long_scan_are_found_in_it():
    test = store_of([scan("x", "q", np.concatenate([prints(1), prints(77, 90)]))], "bhsd")
    assert find_overlap(TRAIN, test).pairs == (Pair(1, 0, "image"),)


def test_one_equal_slice_is_no_evidence_unless_there_is_no_more():
    shared = np.concatenate([prints(1)[:1], prints(77, 1)])
    assert find_overlap(TRAIN, store_of([scan("x", "q", shared)], "bhsd")).pairs == ()
    assert find_overlap(TRAIN, store_of([scan("x", "q", prints(1)[:1])], "bhsd")).pairs == (Pair(1, 0, "image"),)


def test_blank_slices_are_alike_and_tell_nothing():
    blank = np.zeros((10, 2), np.uint64)
    train = store_of([scan("a", "p", blank), scan("b", "q", prints(3))], "rsna-2019")
    assert find_overlap(train, store_of([scan("x", "r", blank)], "bhsd")).pairs == ()


def test_a_patient_of_the_same_public_collection_is_shared():
    test = store_of([scan("x", "p1", prints(99))], "rsna-2019")
    assert find_overlap(TRAIN, test).pairs == (Pair(2, 0, "patient"), Pair(3, 0, "patient"))


def test_equal_patient_names_in_folders_of_ones_own_tell_nothing():
    train, test = (store_of([scan(name, "001", prints(seed))], "folder") for name, seed in (("a", 1), ("b", 2)))
    assert find_overlap(train, test).pairs == ()
    assert not find_overlap(train, test).are_related


def test_leakage_is_refused_with_what_is_shared():
    test = store_of([scan("x", "q", prints(99), series_uid="1.3"), scan("y", "r", flip_bits(prints(0), 5))], "bhsd")
    with pytest.raises(
        UsageError,
        match=r"^2 of 2 test cases are in the training store or of its patients \(1 by image, 1 by series_uid\), "
        r"such as y, there t0; leave them out",
    ):
        check_leakage(TRAIN, test)


def test_relatives_that_cannot_be_compared_are_refused():
    train = store_of([one("a", "p")], "rsna-2019")
    with pytest.raises(UsageError, match=r"^rsna-2019 and bhsd hold scans of one origin, and nothing tells which"):
        check_leakage(train, store_of([one("x", "q")], "bhsd"))
    check_leakage(train, store_of([one("x", "q")], "cq500"))


def test_all_scans_of_a_shared_patient_are_left_out():
    test = store_of([scan("x", "q", prints(99), series_uid="1.3"), scan("y", "r", prints(98))], "bhsd")
    found = find_overlap(TRAIN, test)
    kept = found.keep_training_rows(TRAIN)
    assert {TRAIN.slice_patients[row] for row in kept} == {"p0", "p2"}
    assert set(range(len(TRAIN))) - set(kept.tolist()) == {row for row in range(60) if TRAIN.cases[row] in {2, 3}}
    assert {test.names[case] for case in test.cases[found.keep_test_rows(test)]} == {"y"}


def test_many_slices_are_compared_in_parts(monkeypatch):
    from ichnos.cohorts import leakage

    test = store_of([scan("x", "q", flip_bits(prints(4), 9)), scan("y", "r", prints(50))], "bhsd")
    whole = find_overlap(TRAIN, test)
    monkeypatch.setattr(leakage, "_AT_ONCE", 7)
    assert find_overlap(TRAIN, test) == whole
    assert whole.pairs

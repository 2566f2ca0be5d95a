import json

import numpy as np
import pytest

from ichnos.cohorts.slice_store import LABELS, CaseSlices, open_store, write_store
from ichnos.errors import UsageError
from ichnos.phantoms import SUBTYPES

SIZE = 5


def case(number, patient, slices=3):
    rng = np.random.default_rng(number)
    slices_hu = rng.integers(-1024, 3072, (slices, SIZE, SIZE)).astype(np.float32)
    return CaseSlices(f"case-{number}", patient, slices_hu, rng.random((slices, 6)) < 0.5, rng.random(slices) < 0.5)


CASES = [case(1, "ann", 3), case(2, "ben", 1), case(3, "ann", 2)]


def test_labels_are_any_and_then_the_subtypes():
    assert ("any", *SUBTYPES) == LABELS


def test_a_round_trip_keeps_every_bit(tmp_path):
    write_store(iter(CASES), tmp_path / "store", SIZE, {"made": "by hand"})
    store = open_store(tmp_path / "store")
    np.testing.assert_array_equal(store.slices_hu, np.concatenate([one.slices_hu for one in CASES]))
    np.testing.assert_array_equal(store.labels, np.concatenate([one.labels for one in CASES]))
    np.testing.assert_array_equal(store.is_obvious, np.concatenate([one.is_obvious for one in CASES]))
    assert store.cases.tolist() == [0, 0, 0, 1, 2, 2]
    assert store.patients == ("ann", "ben", "ann")
    assert store.slice_patients == ["ann", "ann", "ann", "ben", "ann", "ann"]
    assert store.origin == {"made": "by hand"}


def test_the_flat_file_is_little_endian_int16_in_c_order(tmp_path):
    write_store(CASES[:1], tmp_path, SIZE, {})
    raw = (tmp_path / "slices.i16").read_bytes()
    expected = b"".join(int(hu).to_bytes(2, "little", signed=True) for hu in CASES[0].slices_hu.ravel())
    assert raw == expected


@pytest.mark.parametrize(
    ("hu", "stored"), [(0.4, 0), (0.6, 1), (-0.6, -1), (40000.0, 32767), (-40000.0, -32768), (32767.0, 32767)]
)
def test_hu_are_rounded_and_never_wrap_around(tmp_path, hu, stored):
    slices_hu = np.full((1, SIZE, SIZE), hu, np.float32)
    write_store([CaseSlices("a", "a", slices_hu, np.zeros((1, 6), bool), np.zeros(1, bool))], tmp_path, SIZE, {})
    assert set(open_store(tmp_path).slices_hu.ravel().tolist()) == {stored}


def test_slices_stay_on_disk(tmp_path):
    write_store(CASES, tmp_path, SIZE, {})
    assert isinstance(open_store(tmp_path).slices_hu, np.memmap)


def test_there_is_no_store_where_there_is_none(tmp_path):
    assert open_store(tmp_path / "nothing") is None


def broken_cases():
    yield CASES[0]
    raise RuntimeError("power cut")


def test_a_store_that_was_not_finished_is_none(tmp_path):
    with pytest.raises(RuntimeError, match="power cut"):
        write_store(broken_cases(), tmp_path, SIZE, {})
    assert open_store(tmp_path) is None


def test_writing_again_first_takes_the_old_store_back(tmp_path):
    write_store(CASES, tmp_path, SIZE, {"made": "first"})
    with pytest.raises(RuntimeError, match="power cut"):
        write_store(broken_cases(), tmp_path, SIZE, {"made": "second"})
    assert open_store(tmp_path) is None
    write_store(CASES[1:], tmp_path, SIZE, {"made": "third"})
    store = open_store(tmp_path)
    assert (store.origin, len(store.slices_hu)) == ({"made": "third"}, 3)


def test_the_description_names_each_case(tmp_path):
    write_store(CASES, tmp_path, SIZE, {})
    listed = json.loads((tmp_path / "store.json").read_text())["cases"]
    assert [(one["case"], one["patient"], one["slices"]) for one in listed] == [
        ("case-1", "ann", 3),
        ("case-2", "ben", 1),
        ("case-3", "ann", 2),
    ]


def test_a_store_of_no_cases_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"^no cases to prepare for .*new$"):
        write_store([], tmp_path / "new", SIZE, {})
    assert open_store(tmp_path / "new") is None

import json
import pickle

import numpy as np
import pytest

from ichnos.cohorts import slice_store
from ichnos.cohorts.slice_store import LABELS, MARKS, CaseSlices, ShardedArray, open_store, write_store
from ichnos.errors import UsageError
from ichnos.phantoms import SUBTYPES

SIZE = 5


def case(number, patient, slices=3):
    rng = np.random.default_rng(number)
    slices_hu = rng.integers(-1024, 3072, (slices, SIZE, SIZE)).astype(np.float32)
    labels = rng.integers(-1, 2, (slices, 6)).astype(np.int8)
    marks = rng.integers(0, 128, slices_hu.shape).astype(np.uint8) if number % 2 else None
    return CaseSlices(f"case-{number}", patient, slices_hu, labels, rng.random(slices) < 0.5, marks)


def every(store):
    return np.arange(len(store))


CASES = [case(1, "ann", 3), case(2, "ben", 1), case(3, "ann", 2)]


def test_labels_are_any_and_then_the_subtypes():
    assert ("any", *SUBTYPES) == LABELS


@pytest.mark.parametrize("shard_slices", [1, 4, 512])
def test_a_round_trip_keeps_every_bit(tmp_path, monkeypatch, shard_slices):
    monkeypatch.setattr(slice_store, "_SHARD_SLICES", shard_slices)
    write_store(iter(CASES), tmp_path / "store", SIZE, {"made": "by hand"})
    store = open_store(tmp_path / "store")
    np.testing.assert_array_equal(store.hu[every(store)], np.concatenate([one.slices_hu for one in CASES]))
    drawn = [np.zeros(one.slices_hu.shape) if one.marks is None else one.marks for one in CASES]
    np.testing.assert_array_equal(store.marks[every(store)], np.concatenate(drawn))
    assert store.has_mask.tolist() == [True, True, True, False, True, True]
    assert store.hu.shape == store.marks.shape == (6, SIZE, SIZE)
    np.testing.assert_array_equal(store.labels, np.concatenate([one.labels for one in CASES]))
    np.testing.assert_array_equal(store.is_obvious, np.concatenate([one.is_obvious for one in CASES]))
    assert store.cases.tolist() == [0, 0, 0, 1, 2, 2]
    assert store.names == ("case-1", "case-2", "case-3")
    assert store.patients == ("ann", "ben", "ann")
    assert store.slice_patients == ["ann", "ann", "ann", "ben", "ann", "ann"]
    assert store.origin == {"made": "by hand"}


def test_slices_come_in_the_order_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(slice_store, "_SHARD_SLICES", 4)
    write_store(CASES, tmp_path, SIZE, {})
    everything = np.concatenate([one.slices_hu for one in CASES])
    rows = np.array([5, 0, 3, 3, 1])
    np.testing.assert_array_equal(open_store(tmp_path).hu[rows], everything[rows])


def test_another_process_opens_the_shards_anew(tmp_path):
    write_store(CASES, tmp_path, SIZE, {})
    store = open_store(tmp_path)
    store.hu[np.array([0])]
    assert isinstance(store.hu, ShardedArray)
    copy = pickle.loads(pickle.dumps(store.hu))  # noqa: S301 - our own bytes, as a loader process gets them
    np.testing.assert_array_equal(copy[every(store)], store.hu[every(store)])
    assert len(pickle.dumps(store.hu)) < 2000, "a path travels, not the pixels"


def test_a_shard_is_a_plain_npy_file_of_little_endian_int16(tmp_path):
    write_store(CASES[:1], tmp_path, SIZE, {})
    stored = np.load(tmp_path / "shards" / "0000.hu.npy", mmap_mode="r")
    assert stored.dtype == "<i2"
    assert stored.tobytes() == b"".join(int(hu).to_bytes(2, "little", signed=True) for hu in CASES[0].slices_hu.ravel())


def test_no_marks_are_written_where_nobody_drew(tmp_path):
    write_store(CASES[1:2], tmp_path, SIZE, {})
    assert [path.name for path in (tmp_path / "shards").iterdir()] == ["0000.hu.npy"]
    assert not open_store(tmp_path).marks[np.array([0])].any()


def test_each_mark_has_a_bit_of_its_own():
    assert sorted(MARKS.values()) == [1, 2, 4, 8, 16, 32, 64]
    assert slice_store.BLEED == 63
    assert MARKS["brain"] == 64


@pytest.mark.parametrize(
    ("hu", "stored"), [(0.4, 0), (0.6, 1), (-0.6, -1), (40000.0, 32767), (-40000.0, -32768), (32767.0, 32767)]
)
def test_hu_are_rounded_and_never_wrap_around(tmp_path, hu, stored):
    slices_hu = np.full((1, SIZE, SIZE), hu, np.float32)
    write_store([CaseSlices("a", "a", slices_hu, np.zeros((1, 6), np.int8), np.zeros(1, bool))], tmp_path, SIZE, {})
    assert set(open_store(tmp_path).hu[np.array([0])].ravel().tolist()) == {stored}


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
    assert (store.origin, len(store)) == ({"made": "third"}, 3)


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

import json
import pickle

import numpy as np
import pytest
from cohorts.store_cases import SIZE, made_case, made_plan

from ichnos.cohorts import slice_store, store_writer
from ichnos.cohorts.shards import ShardedArray
from ichnos.cohorts.slice_store import LABELS, MARKS, CaseSlices, load_store, open_store
from ichnos.cohorts.store_writer import build_store
from ichnos.errors import StoreError
from ichnos.phantoms import SUBTYPES

ITEMS = [(1, "ann", 3, ""), (2, "ben", 1, ""), (3, "ann", 2, "")]
CASES = [made_case(*item[:3]) for item in ITEMS]


def every(store):
    return np.arange(len(store))


@pytest.fixture
def folder(tmp_path):
    build_store(made_plan(ITEMS), tmp_path / "store", workers=1)
    return tmp_path / "store"


def test_labels_are_any_and_then_the_subtypes():
    assert ("any", *SUBTYPES) == LABELS


@pytest.mark.parametrize("shards", [1, 2, 64])
def test_a_round_trip_keeps_every_bit(tmp_path, monkeypatch, shards):
    monkeypatch.setattr(store_writer, "_MOST_SHARDS_PER_COHORT", shards)
    build_store(made_plan(ITEMS), tmp_path, workers=1)
    store = open_store(tmp_path)
    assert len(store.hu.paths) == min(shards, 3)
    np.testing.assert_array_equal(store.hu[every(store)], np.concatenate([one.slices_hu for one in CASES]))
    drawn = [np.zeros(one.slices_hu.shape) if one.marks is None else one.marks for one in CASES]
    np.testing.assert_array_equal(store.marks[every(store)], np.concatenate(drawn))
    assert store.has_mask.tolist() == [True, True, True, False, True, True]
    assert store.hu.shape == store.marks.shape == (6, SIZE, SIZE)
    np.testing.assert_array_equal(store.labels, np.concatenate([one.labels for one in CASES]))
    np.testing.assert_array_equal(store.is_obvious, np.concatenate([one.is_obvious for one in CASES]))
    np.testing.assert_array_equal(store.fingerprints, np.concatenate([one.fingerprints for one in CASES]))
    assert store.z_mm.tolist() == [0.0, 5.0, 10.0, 0.0, 0.0, 5.0]
    assert store.cases.tolist() == [0, 0, 0, 1, 2, 2]
    assert store.names == ("case-1", "case-2", "case-3")
    assert store.patients == ("ann", "ben", "ann")
    assert store.slice_patients == ["ann", "ann", "ann", "ben", "ann", "ann"]
    assert store.origin["made"] == "by hand"
    assert store.cohort == "made-up"
    assert store.records[1]["identifiers"] == {"series_uid": "1.2.2"}
    assert store.description["totals"]["repairs"] == {"wrapped": 6}


def test_slices_come_in_the_order_asked_for(folder):
    everything = np.concatenate([one.slices_hu for one in CASES])
    rows = np.array([5, 0, 3, 3, 1])
    np.testing.assert_array_equal(open_store(folder).hu[rows], everything[rows])


def test_another_process_opens_the_shards_anew(folder):
    store = open_store(folder)
    store.hu[np.array([0])]
    assert isinstance(store.hu, ShardedArray)
    copy = pickle.loads(pickle.dumps(store.hu))  # noqa: S301 - our own bytes, as a loader process gets them
    np.testing.assert_array_equal(copy[every(store)], store.hu[every(store)])
    assert len(pickle.dumps(store.hu)) < 2000, "a path travels, not the pixels"


def test_a_shard_is_a_plain_npy_file_of_little_endian_int16(folder):
    stored = np.load(folder / "shards" / "00000.hu.npy", mmap_mode="r")
    assert stored.dtype == "<i2"
    assert stored.tobytes() == b"".join(int(hu).to_bytes(2, "little", signed=True) for hu in CASES[0].slices_hu.ravel())


def test_no_marks_are_written_where_nobody_drew(tmp_path):
    store = build_store(made_plan(ITEMS[1:2]), tmp_path, workers=1)
    names = {path.name for path in (tmp_path / "shards").iterdir()}
    assert names == {"00000.hu.npy", "00000.slices.npz", "00000.json"}
    assert not store.marks[np.array([0])].any()


def test_each_mark_has_a_bit_of_its_own():
    assert sorted(MARKS.values()) == [1, 2, 4, 8, 16, 32, 64]
    assert slice_store.BLEED == 63
    assert MARKS["brain"] == 64


def one_value(hu):
    return CaseSlices(
        "case-1", "a", np.full((1, SIZE, SIZE), hu, np.float32), np.zeros((1, 6), np.int8), np.zeros(1, bool)
    )


@pytest.mark.parametrize(
    ("hu", "stored"), [(0.4, 0), (0.6, 1), (-0.6, -1), (40000.0, 32767), (-40000.0, -32768), (32767.0, 32767)]
)
def test_hu_are_rounded_and_never_wrap_around(tmp_path, hu, stored):
    store = build_store(made_plan(ITEMS[:1], items=(hu,), make=one_value), tmp_path, workers=1)
    assert set(store.hu[np.array([0])].ravel().tolist()) == {stored}
    assert np.isnan(store.z_mm).all()


def test_there_is_no_store_where_there_is_none(tmp_path):
    assert open_store(tmp_path / "nothing") is None
    with pytest.raises(StoreError, match=r"nothing holds no finished slice store; make it with: ichnos prepare"):
        load_store(tmp_path / "nothing")


def test_the_description_names_each_case(folder):
    listed = json.loads((folder / "store.json").read_text())["cases"]
    assert [(one["case"], one["patient"], one["slices"]) for one in listed] == [
        ("case-1", "ann", 3),
        ("case-2", "ben", 1),
        ("case-3", "ann", 2),
    ]


@pytest.mark.parametrize("name", ["shards/00000.hu.npy", "shards/00002.marks.npy", "slices.npz"])
def test_a_file_cut_short_is_one_line(folder, name):
    path = folder / name
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match=rf"{name} holds {size - 1} bytes instead of {size}; prepare the store again$"):
        open_store(folder)


def test_a_missing_file_is_one_line(folder):
    (folder / "shards" / "00001.hu.npy").unlink()
    with pytest.raises(StoreError, match=r"00001.hu.npy is missing; prepare the store again$"):
        open_store(folder)


def test_an_altered_byte_is_found_by_its_checksum(folder):
    open_store(folder, verify="checksums")
    path = folder / "shards" / "00001.hu.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert open_store(folder) is not None
    with pytest.raises(StoreError, match=r"00001.hu.npy is not what was written"):
        open_store(folder, verify="checksums")


@pytest.mark.parametrize(
    ("text", "message"),
    [('{"format": 1}', "is of format 1, this ichnos reads format 2"), ("[1", "is damaged"), ("[]", "is damaged")],
)
def test_a_description_of_something_else_is_refused(folder, text, message):
    (folder / "store.json").write_text(text)
    with pytest.raises(StoreError, match=message):
        open_store(folder)

import json
from dataclasses import replace

import numpy as np
import pytest
from cohorts.store_cases import SIZE, contents, made_case, make

from ichnos.cohorts.shard_writer import KILLED, ShardJob, write_shard
from ichnos.errors import StoreError

ITEMS = ((1, "ann", 3, ""), (2, "ben", 1, "raises"), (3, "cem", 2, "breaks"), (4, "dora", 2, ""))
JOB = ShardJob(0, tuple(f"case-{item[0]}" for item in ITEMS), ITEMS)


def write(job, folder, make=make):
    (folder / "shards").mkdir(exist_ok=True)
    steps = write_shard(job, make, folder, SIZE)
    names = []
    while True:
        try:
            names.append(next(steps))
        except StopIteration as stop:
            return names, stop.value


def test_each_case_is_named_before_it_is_made(tmp_path):
    assert write(JOB, tmp_path)[0] == list(JOB.names)


def test_a_case_that_cannot_be_made_is_skipped_with_its_reason(tmp_path):
    _, record = write(JOB, tmp_path)
    assert record["skipped"] == [
        {"name": "case-2", "reason": "case-2 is cut short"},
        {"name": "case-3", "reason": "unexpected ValueError: nobody thought of this"},
    ]
    assert [case["case"] for case in record["cases"]] == ["case-1", "case-4"]
    stored = np.load(tmp_path / "shards" / "00000.hu.npy")
    np.testing.assert_array_equal(stored, np.concatenate([made_case(*ITEMS[n][:3]).slices_hu for n in (0, 3)]))


def test_files_that_are_no_part_of_their_case_are_told(tmp_path):
    def make_less(item):
        return replace(made_case(*item[:3]), left_out={"7.dcm": "not a DICOM file"})

    _, record = write(ShardJob(0, ("case-1",), ITEMS[:1]), tmp_path, make_less)
    assert record["skipped"] == [{"name": "7.dcm", "reason": "not a DICOM file"}]
    assert record["cases"][0]["slices"] == 3


def test_the_record_describes_the_files_and_is_what_was_written(tmp_path):
    _, record = write(JOB, tmp_path)
    assert json.loads((tmp_path / "shards" / "00000.json").read_text()) == record
    for file in record["files"].values():
        assert (tmp_path / file["path"]).stat().st_size == file["bytes"]
    marks = np.load(tmp_path / "shards" / "00000.marks.npy")
    assert marks.shape == (5, SIZE, SIZE)
    assert not marks[3:].any(), "nobody drew on case-4"


def test_a_case_at_which_workers_die_is_not_tried_again(tmp_path):
    items = ((1, "ann", 3, ""), (2, "ben", 1, "dies"))
    _, record = write(ShardJob(0, ("case-1", "case-2"), items, frozenset({"case-2"})), tmp_path)
    assert record["skipped"] == [{"name": "case-2", "reason": KILLED}]


def test_a_shard_of_no_case_is_whole(tmp_path):
    _, record = write(ShardJob(7, ("case-2",), ITEMS[1:2]), tmp_path)
    assert (record["slices"], record["cases"]) == (0, [])
    assert np.load(tmp_path / "shards" / "00007.hu.npy").shape == (0, SIZE, SIZE)


def test_what_is_stopped_half_way_leaves_nothing(tmp_path):
    (tmp_path / "shards").mkdir()
    steps = write_shard(JOB, make, tmp_path, SIZE)
    next(steps)
    next(steps)
    steps.close()
    assert contents(tmp_path) == {}


def test_a_disk_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "shards").write_text("a file, not a folder")
    with pytest.raises(StoreError, match=r"cannot be written: .*; make room there, then run the same command again$"):
        list(write_shard(JOB, make, tmp_path, SIZE))

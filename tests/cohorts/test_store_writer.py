import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cohorts.store_cases import contents, made_plan

from ichnos.cohorts import store_writer
from ichnos.cohorts.shard_writer import KILLED
from ichnos.cohorts.slice_store import open_store
from ichnos.cohorts.store_writer import build_store, clear_store
from ichnos.errors import StoreError, UsageError

TESTS = Path(__file__).resolve().parents[1]
ITEMS = [(number, f"patient-{number % 7}", 1 + number % 3, "") for number in range(24)]
BAD = [*ITEMS[:4], (90, "x", 2, "raises"), *ITEMS[4:8], (91, "y", 2, "breaks"), *ITEMS[8:12]]

RUN = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from cohorts.store_cases import made_plan
from ichnos.cohorts.store_writer import build_store
from ichnos.errors import IchnosError
{before}
if __name__ == "__main__":
    try:
        build_store(made_plan({items!r}), Path({folder!r}), {workers})
    except IchnosError as error:
        sys.exit(f"{{type(error).__name__}}: {{error}}")
"""


def start(folder, items, workers, before=""):
    code = RUN.format(tests=str(TESTS), items=items, folder=str(folder), workers=workers, before=before)
    script = folder.parent / f"{folder.name}-{workers}.py"
    script.write_text(code)
    return subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, text=True)


def skipped(folder):
    return (folder / "skipped.csv").read_text().splitlines()[1:]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quiet") / "store"
    build_store(made_plan(BAD), folder, workers=1)
    return contents(folder)


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_make_the_same_bytes_as_one(tmp_path, quiet, workers):
    build_store(made_plan(BAD), tmp_path, workers)
    assert contents(tmp_path) == quiet


def test_every_case_is_stored_or_named_with_its_reason(tmp_path):
    store = build_store(made_plan(BAD, skipped=(("junk.txt", "not a scan"),)), tmp_path, 1)
    assert skipped(tmp_path) == [
        "junk.txt,not a scan",
        "case-90,case-90 is cut short",
        "case-91,unexpected ValueError: nobody thought of this",
    ]
    assert [one["name"] for one in store.description["skipped"]] == ["junk.txt", "case-90", "case-91"]
    assert list(store.names) == [f"case-{item[0]}" for item in BAD if item[0] < 90]
    assert store.description["totals"]["skipped"] == 3


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_store_killed_ten_times_ends_with_the_same_bytes(tmp_path, workers):
    items = [(number, patient, slices, "waits") for number, patient, slices, _ in ITEMS]
    build_store(made_plan(items), tmp_path / "quiet", workers=1)
    folder, delays = tmp_path / "killed", random.Random(workers)
    killed = 0
    while killed < 10:
        running = start(folder, items, workers)
        shards_before = len(list((folder / "shards").glob("*.json"))) if folder.exists() else 0
        deadline = time.monotonic() + 20
        while running.poll() is None and time.monotonic() < deadline:
            made = len(list((folder / "shards").glob("*.json"))) if folder.exists() else 0
            if made > shards_before:
                time.sleep(delays.uniform(0, 0.03))
                running.kill()
                break
            time.sleep(0.001)
        running.communicate()
        killed += running.returncode == -9
        if (folder / "store.json").exists():
            break
    assert killed >= 4, "it ended too soon to have been killed"
    build_store(made_plan(items), folder, workers)
    assert contents(folder) == contents(tmp_path / "quiet")


def test_a_finished_shard_is_kept_and_a_damaged_one_is_made_again(tmp_path, quiet):
    folder = tmp_path / "store"
    build_store(made_plan(BAD), folder, 1)
    (folder / "store.json").unlink()
    (folder / "shards" / "00002.json").unlink()
    (folder / "shards" / "00003.hu.npy").write_bytes(b"short")
    for place in (folder, folder / "shards"):
        (place / ".partial-left-over.npy").write_bytes(b"by a kill")
    began = []
    build_store(made_plan(BAD), folder, 1, progress=lambda done, name: began.append((done, name)))
    assert [name for _, name in began] == ["", "case-2", "case-3", ""]
    assert [done for done, _ in began] == [12, 12, 13, 14]
    assert contents(folder) == quiet


def test_an_equal_store_is_taken_as_it_is(tmp_path):
    build_store(made_plan(ITEMS), tmp_path, 1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    build_store(made_plan(ITEMS), tmp_path, 1)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")} == before


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"image_size": 7}, "image_size is 5 there, 7 here"),
        ({"origin": {"made": "otherwise", "items": []}}, r"items is .*\.\.\. there, \[\] here"),
        ({"origin": {"new": 1}}, r"items is .*\.\.\. there, absent here"),
    ],
)
def test_another_store_is_refused(tmp_path, changes, difference):
    build_store(made_plan(ITEMS), tmp_path, 1)
    before = contents(tmp_path)
    with pytest.raises(UsageError, match=rf"holds another store: {difference}; give --overwrite, or another -o$"):
        build_store(made_plan(ITEMS, **changes), tmp_path, 1)
    assert contents(tmp_path) == before


def test_overwriting_leaves_nothing_of_the_old_store(tmp_path, quiet):
    build_store(made_plan(ITEMS), tmp_path, 1)
    (tmp_path / "notes.txt").write_text("mine")
    build_store(made_plan(BAD), tmp_path, 1, overwrite=True)
    assert contents(tmp_path) == {**quiet, "notes.txt": b"mine"}


def test_clearing_removes_a_store_and_nothing_else(tmp_path):
    build_store(made_plan(ITEMS[:2]), tmp_path, 1)
    (tmp_path / "shards" / "mine.txt").write_text("mine")
    clear_store(tmp_path)
    assert set(contents(tmp_path)) == {"shards/mine.txt"}


def test_a_plan_that_was_damaged_is_another_store(tmp_path):
    build_store(made_plan(ITEMS), tmp_path, 1)
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(UsageError, match=r"its plan.json is missing or damaged"):
        build_store(made_plan(ITEMS), tmp_path, 1)


def test_a_case_that_kills_its_worker_is_skipped_and_the_rest_is_kept(tmp_path):
    items = [*ITEMS[:3], (50, "z", 2, "dies"), *ITEMS[3:6]]
    store = build_store(made_plan(items), tmp_path, 2)
    assert list(store.names) == [f"case-{number}" for number in range(6)]
    assert skipped(tmp_path) == [f'case-50,"{KILLED}"' if "," in KILLED else f"case-50,{KILLED}"]


def test_two_processes_do_not_prepare_one_folder(tmp_path):
    folder = tmp_path / "store"
    with store_writer._claimed(folder), pytest.raises(UsageError, match=r"another process is preparing .*store; wait"):
        build_store(made_plan(ITEMS), folder, 1)
    build_store(made_plan(ITEMS), folder, 1)


@pytest.mark.slow
def test_of_two_processes_at_once_one_prepares_and_one_is_told(tmp_path):
    items = [(number, patient, slices, "waits") for number, patient, slices, _ in ITEMS]
    running = [start(tmp_path / "store", items, workers) for workers in (1, 2)]
    told = [(one.communicate()[1], one.returncode) for one in running]
    assert open_store(tmp_path / "store", verify="checksums") is not None
    assert 0 in {code for _, code in told}
    for said, code in told:  # both are well where one began after the other had ended
        assert code == 0 or said.startswith("UsageError: another process is preparing")


LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes}, {bytes}))"


@pytest.mark.parametrize("size", [0, 150, 900])
def test_a_full_disk_is_one_line_and_the_run_can_go_on(tmp_path, size):
    """A limit on the size of files stands for a disk without room."""
    folder = tmp_path / "store"
    said, code = (one := start(folder, ITEMS, 1, LIMIT.format(bytes=size))).communicate()[1], one.returncode
    assert code == 1
    assert said.startswith(f"StoreError: {folder} cannot be written: File too large; make room there")
    assert len(said.splitlines()) == 1
    assert open_store(folder) is None
    build_store(made_plan(ITEMS), folder, 1)
    build_store(made_plan(ITEMS), tmp_path / "quiet", 1)
    assert contents(folder) == contents(tmp_path / "quiet")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/store cannot be written: Not a directory"):
        build_store(made_plan(ITEMS), tmp_path / "file" / "store", 1)


def test_nothing_to_prepare_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"^no cases to prepare for .*new$"):
        build_store(made_plan([]), tmp_path / "new", 1)
    assert not (tmp_path / "new").exists()


def test_two_cases_of_one_name_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"^2 cases are called case-3; a case's name must be its own$"):
        build_store(made_plan([*ITEMS, ITEMS[3]]), tmp_path, 1)


def test_a_store_of_bad_cases_only_is_an_error_that_names_the_first(tmp_path):
    with pytest.raises(StoreError, match=r"^none of 1 cases could be prepared; case-90: case-90 is cut short$"):
        build_store(made_plan([(90, "x", 2, "raises")]), tmp_path, 1)
    assert skipped(tmp_path) == ["case-90,case-90 is cut short"]


@pytest.mark.parametrize(("cases", "shards"), [(1, 1), (64, 64), (65, 33), (128, 64), (4096, 64), (4097, 65)])
def test_shards_depend_on_the_cases_alone(cases, shards):
    plan = made_plan([(number, "p", 1, "") for number in range(cases)])
    assert len(plan.jobs) == shards
    assert [name for job in plan.jobs for name in job.names] == list(plan.names)


def test_the_description_can_be_read_line_by_line(tmp_path):
    build_store(made_plan(ITEMS), tmp_path, 1)
    lines = (tmp_path / "store.json").read_text().splitlines()
    assert sum(line.startswith('    {"case": ') for line in lines) == len(ITEMS)
    assert json.loads("\n".join(lines))["totals"]["slices"] == sum(item[2] for item in ITEMS)


def test_nothing_of_this_machine_is_in_a_store(tmp_path):
    build_store(made_plan(BAD), tmp_path / "a", 1)
    for content in contents(tmp_path / "a").values():
        assert os.fsencode(tmp_path) not in content

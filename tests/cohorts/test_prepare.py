import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from cohorts.phantom_cohort import open_phantoms, write_collection
from cohorts.store_cases import contents

from ichnos.cohorts.case import Skipped
from ichnos.cohorts.case_slices import GridSettings, to_slices
from ichnos.cohorts.prepare import prepare
from ichnos.errors import PixelError, UsageError

GRID = GridSettings(32, 230.0)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    root = tmp_path_factory.mktemp("collection")
    write_collection(root, range(5))
    return open_phantoms(root)


def test_a_store_holds_each_case_as_it_is_loaded(cohort, tmp_path):
    store = prepare(cohort, GRID, tmp_path, workers=1)
    for number, case in enumerate(cohort.cases):
        made = to_slices(cohort.load(case), GRID)
        rows = np.flatnonzero(store.cases == number)
        np.testing.assert_array_equal(store.hu[rows], np.rint(made.slices_hu))
        np.testing.assert_array_equal(store.marks[rows], made.marks)
        np.testing.assert_array_equal(store.labels[rows], made.labels)
        assert (store.names[number], store.patients[number]) == (case.case, case.patient)
    assert store.is_positive.any()
    assert store.description["licence"] == "none needed"
    assert store.description["notes"] == ["a note"]


def test_processes_make_the_same_bytes(cohort, tmp_path):
    prepare(cohort, GRID, tmp_path / "one", workers=1)
    prepare(cohort, GRID, tmp_path / "two", workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def refuse(case):
    raise PixelError(f"{case.files[0]}: cut short")


def leave_out(cohort, case):
    """The case with a file of it left out."""
    loaded, lost = cohort.load(case), str(case.files[0].with_name("x"))
    scan = replace(loaded.scan, warnings=(f"{lost} is odd",), left_out={lost: "not a DICOM file"})
    return replace(loaded, scan=scan)


def test_no_message_tells_where_the_collection_lies(cohort, tmp_path):
    junk = Skipped(str(cohort.root / "scans" / "junk"), f"{cohort.root}/scans/junk: not a scan")
    broken = replace(cohort, skipped=(junk,), notes=(f"{cohort.root}/x is odd",))
    store = prepare(broken, GRID, tmp_path, workers=1)
    assert store.description["skipped"] == [{"name": "scans/junk", "reason": "scans/junk: not a scan"}]
    assert store.description["notes"] == ["x is odd"]
    odd = prepare(replace(cohort, load=partial(leave_out, cohort)), GRID, tmp_path / "odd", workers=1)
    assert odd.records[0]["warnings"] == ["scans/phantom-0000/x is odd"]
    assert odd.description["skipped"][0] == {"name": "scans/phantom-0000/x", "reason": "not a DICOM file"}
    with pytest.raises(Exception, match=r"phantom-0000: scans/phantom-0000/.*dcm: cut short$"):
        prepare(replace(cohort, load=refuse), GRID, tmp_path / "none", workers=1)


@pytest.mark.parametrize(
    "changes",
    [
        {"patient": "other"},
        {"scan_labels": {"any": True}},
        {"slice_labels": {"1": (1, 0, 0, 0, 0, 1)}},
        {"hints": {"split": "test"}},
        {"files": ()},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_other_cases_are_another_store(cohort, tmp_path, changes):
    prepare(cohort, GRID, tmp_path, workers=1)
    other = replace(cohort, cases=(replace(cohort.cases[0], **changes), *cohort.cases[1:]))
    with pytest.raises(UsageError, match=r"holds another store: cases is 5 \(\w+\) there, 5 \(\w+\) here"):
        prepare(other, GRID, tmp_path, workers=1)


def test_a_collection_of_no_case_says_why(cohort, tmp_path):
    empty = replace(cohort, cases=(), skipped=(Skipped("a.txt", "not a scan"),))
    with pytest.raises(UsageError, match=r"holds no case of made-up; a.txt: not a scan$"):
        prepare(empty, GRID, tmp_path / "store", workers=1)
    assert not (tmp_path / "store").exists()


def test_the_plan_says_what_the_store_is_made_from(cohort, tmp_path):
    prepare(cohort, GRID, tmp_path, workers=1)
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert (plan["cohort"], plan["image_size"], plan["field_of_view_mm"]) == ("made-up", 32, 230.0)

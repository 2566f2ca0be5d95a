from pathlib import Path

import pytest

from ichnos.cohorts.case import Case, Cohort, Skipped
from ichnos.cohorts.readers.strays import REASON, tell_strays


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def cohort_of(root, *skipped):
    case = Case("a", "p", (root / "top/images/a.nii",), masks={"": root / "top/masks/a.nii.gz"})
    return Cohort("toy", root, "", (case,), lambda case: None, tuple(Skipped(name, "why") for name in skipped))


def names(cohort):
    return [(Path(one.name).relative_to(cohort.root).as_posix(), one.reason) for one in cohort.skipped]


@pytest.fixture
def root(tmp_path):
    touch(tmp_path, "top/images/a.nii", "top/masks/a.nii.gz")
    return tmp_path


def test_every_file_that_nobody_used_is_told(root):
    touch(root, "top/images/extra/b.nii", "top/c.NII.GZ", "top/notes.txt", "top/images/._a.nii", "other/d.nii")
    assert names(tell_strays(cohort_of(root))) == [("top/c.NII.GZ", REASON), ("top/images/extra/b.nii", REASON)]


def test_what_was_told_is_not_told_again(root):
    touch(root, "top/b.nii", "top/case/c.nii", "top/d.nii")
    cohort = cohort_of(root, "top/b.nii", str(root / "top/case"), str(root / "top/d.nii"))
    assert tell_strays(cohort) == cohort


def test_nothing_is_said_where_there_is_no_case(root):
    cohort = Cohort("toy", root, "", (), lambda case: None)
    assert tell_strays(cohort) == cohort

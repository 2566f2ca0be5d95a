import pytest

from ichnos.cohorts.readers.places import find_child, find_place, levels
from ichnos.errors import CohortError


def test_a_child_is_found_whatever_its_capitals(tmp_path):
    (tmp_path / "Reads.CSV").touch()
    (tmp_path / "._reads.csv").touch()
    assert find_child(tmp_path, "reads.csv") == tmp_path / "Reads.CSV"
    assert find_child(tmp_path, "other.csv", "READS.csv") == tmp_path / "Reads.CSV"
    assert find_child(tmp_path, "other.csv") is None


def test_two_that_differ_in_capitals_only_are_refused(tmp_path):
    (tmp_path / "reads.csv").touch()
    (tmp_path / "READS.csv").touch()
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("a file system that keeps no capitals apart")
    with pytest.raises(CohortError, match="keep the right one"):
        find_child(tmp_path, "reads.csv")


def test_the_nearest_place_is_taken_and_two_of_a_kind_are_refused(tmp_path):
    (tmp_path / "a/b/ct_scans").mkdir(parents=True)
    assert find_place(tmp_path, "CT_scans") == tmp_path / "a/b"
    assert find_place(tmp_path, "ct_scans", depth=1) is None
    (tmp_path / "a/ct_scans").mkdir()
    assert find_place(tmp_path, "ct_scans") == tmp_path / "a"
    (tmp_path / "c/ct_scans").mkdir(parents=True)
    with pytest.raises(CohortError, match="both hold ct_scans; give one of them"):
        find_place(tmp_path, "ct_scans")


def test_levels_go_down_past_junk(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "__MACOSX/c").mkdir(parents=True)
    assert list(levels(tmp_path, 2)) == [[tmp_path], [tmp_path / "a"], [tmp_path / "a/b"]]
    (tmp_path / "file").touch()
    assert list(levels(tmp_path / "file", 0)) == [[]]

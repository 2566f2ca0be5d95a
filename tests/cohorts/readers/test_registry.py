from pathlib import Path

import pytest
from cohorts.nifti_miniatures import write_bhsd

from ichnos.cohorts.case import Cohort
from ichnos.cohorts.readers import registry
from ichnos.cohorts.readers.registry import ALL_NIFTI, OPTIONS, READERS, list_readers, open_cohort
from ichnos.errors import CohortError, UsageError


@pytest.fixture
def toy(monkeypatch):
    def open_toy(root: Path, rater: str = "") -> Cohort:
        return Cohort("toy", root, rater, (), lambda case: None)

    monkeypatch.setitem(registry.READERS, "toy-collection", open_toy)
    monkeypatch.setitem(registry.OPTIONS, "toy-collection", ("rater",))


def test_a_reader_is_found_by_name(toy, tmp_path):
    assert open_cohort("toy-collection", tmp_path).root == tmp_path
    assert open_cohort("toy-collection", tmp_path, rater="b").licence == "b"


def test_a_wrong_name_answers_with_the_nearest_and_the_list(toy, tmp_path):
    with pytest.raises(UsageError, match=r"did you mean 'toy-collection'\? there are: .*toy-collection"):
        open_cohort("toy-colection", tmp_path)


def test_a_missing_root_is_one_line(toy, tmp_path):
    with pytest.raises(CohortError, match=r"nowhere: no such file or folder"):
        open_cohort("toy-collection", tmp_path / "nowhere")


def test_an_option_that_the_reader_does_not_take_is_refused(toy, tmp_path):
    with pytest.raises(UsageError, match="toy-collection does not take 'cache'; it takes rater"):
        open_cohort("toy-collection", tmp_path, cache=tmp_path)


def test_a_scan_in_no_known_place_is_told(tmp_path):
    root = write_bhsd(tmp_path / "BHSD")
    image = open_cohort("bhsd", root).cases[0].files[0]
    lost = image.parent / "more" / image.name
    lost.parent.mkdir()
    lost.write_bytes(image.read_bytes())
    assert str(lost) in {one.name for one in open_cohort("bhsd", root).skipped}


def test_the_list_is_sorted_and_options_belong_to_readers():
    assert list_readers() == tuple(sorted(READERS))
    assert set(OPTIONS) <= set(READERS)
    assert set(READERS) >= ALL_NIFTI

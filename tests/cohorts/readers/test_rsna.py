import pickle
import shutil

import numpy as np
import pydicom
import pytest
from cohorts.miniatures import head_hu, rsna_rows, write_csv
from cohorts.rsna_miniature import HEADER, ODD, PLAIN, WRAPPED, rows_of, write_rsna, write_series

from ichnos.cohorts.readers.rsna import BLANK, KNOWN_IMAGES, LEFT_OUT, STAGES, open_rsna
from ichnos.errors import CohortError, GeometryError
from ichnos.scans.wrapping import WRAPPED_SLICES


@pytest.fixture
def mini(tmp_path):
    return write_rsna(tmp_path / "rsna")


def cases_of(cohort):
    return {case.case: case for case in cohort.cases}


def test_series_are_grouped_and_patients_kept(mini):
    cases = cases_of(open_rsna(mini.root))
    assert {name: (case.patient, len(case.files)) for name, case in cases.items()} == {
        PLAIN: ("ID_p1", 5),
        WRAPPED: ("ID_p1", 5),
        ODD: ("ID_p2", 5),
    }
    assert list(cases) == sorted(cases)
    assert cases[PLAIN].identifiers == {
        "series_uid": PLAIN,
        "rsna_study": "ID_study_s1plain",
        "rsna_patient": "ID_p1",
    }


@pytest.mark.parametrize("series", [PLAIN, WRAPPED, ODD])
def test_each_label_lies_on_its_slice(mini, series):
    cohort = open_rsna(mini.root)
    loaded = cohort.load(cases_of(cohort)[series])
    for z, uid in enumerate(loaded.scan.source.instance_uids):
        name = mini.names[series][z]
        assert uid == name
        np.testing.assert_array_equal(loaded.scan.voxels_hu[z], mini.hu[series][z])
        unlabelled = name == mini.names[PLAIN][4]
        assert tuple(loaded.slice_labels[z]) == ((-1,) * 6 if unlabelled else mini.labels[name])
    assert loaded.bleed_masks is None


def test_repairs_are_counted(mini):
    cohort = open_rsna(mini.root)
    repairs = {name: cohort.load(case).repairs for name, case in cases_of(cohort).items()}
    assert repairs == {PLAIN: {}, WRAPPED: {WRAPPED_SLICES: 5}, ODD: {BLANK: 1, LEFT_OUT: 1}}


def test_what_is_left_out_is_named(mini):
    cohort = open_rsna(mini.root)
    assert {(one.name, one.reason) for one in cohort.skipped} == {
        (f"{mini.names[ODD][5]}.dcm", "its pixels are cut short"),
        ("notes.txt", "not a DICOM file"),
    }
    assert cohort.notes == (
        "stage_2_train is known to hold 752,803 images; found 17",
        "6 row(s) of the table repeat another and were dropped",
        "2 image(s) have no row in the table; their labels are unknown",
        "1 image(s) of the table have no file",
    )


def test_the_known_count_is_no_difference(mini, monkeypatch):
    monkeypatch.setitem(KNOWN_IMAGES, "stage_2_train", 17)
    assert not any("is known to hold" in note for note in open_rsna(mini.root).notes)


@pytest.mark.parametrize("inner", ["", "rsna-intracranial-hemorrhage-detection", "rsna/rsna-intracranial-hemorrhage"])
def test_the_root_may_be_too_high_or_too_low(mini, tmp_path, inner):
    target = tmp_path / "other" / inner
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(mini.root, target)
    assert len(open_rsna(tmp_path / "other").cases) == 3
    assert len(open_rsna(target / "stage_2_train").cases) == 3


def test_nested_folders_of_careless_unzipping(mini):
    mini.images.rename(mini.root / "inner")
    mini.images.mkdir()
    (mini.root / "inner").rename(mini.images / "stage_2_train")
    assert len(open_rsna(mini.root).cases) == 3


def test_stage_two_is_taken_before_stage_one_and_that_is_told(mini):
    shutil.copytree(mini.images, mini.root / "stage_1_train")
    shutil.copy(mini.table, mini.root / "stage_1_train.csv")
    cohort = open_rsna(mini.root)
    assert all("stage_2_train" in str(path) for case in cohort.cases for path in case.files)
    assert "stage_1_train lies beside stage_2_train and was not read" in cohort.notes


@pytest.mark.parametrize("stage", list(STAGES))
def test_stages_and_capitals(mini, stage):
    mini.images.rename(mini.root / stage.upper())
    mini.table.rename(mini.root / STAGES[stage].title())
    assert len(open_rsna(mini.root).cases) == 3


def test_files_without_ending_and_with_capitals(mini):
    for z, ending in enumerate(["", ".DCM"]):
        (mini.images / f"{mini.names[PLAIN][z]}.dcm").rename(mini.images / f"{mini.names[PLAIN][z]}{ending}")
    cohort = open_rsna(mini.root)
    loaded = cohort.load(cases_of(cohort)[PLAIN])
    assert [tuple(row) for row in loaded.slice_labels[:2]] == [mini.labels[name] for name in mini.names[PLAIN][:2]]


def test_labels_follow_the_file_name_where_identifiers_are_real(tmp_path):
    mini = write_rsna(tmp_path)
    shutil.rmtree(mini.images)
    mini.labels.clear()
    hu = head_hu(seed=9)
    write_series(mini, 4, "1.2.3.4", "7", hu)
    for z, name in enumerate(mini.names["1.2.3.4"]):
        with pydicom.config.disable_value_validation():
            dataset = pydicom.dcmread(mini.images / f"{name}.dcm")
            dataset.SOPInstanceUID = f"1.2.3.4.{z}"
            dataset.save_as(mini.images / f"{name}.dcm")
    write_csv(mini.table, HEADER, *rows_of(mini))
    cohort = open_rsna(mini.root)
    loaded = cohort.load(cohort.cases[0])
    assert [tuple(row) for row in loaded.slice_labels] == [mini.labels[name] for name in mini.names["1.2.3.4"]]


def test_a_name_and_an_identifier_with_different_rows_are_not_guessed(mini):
    one, other = mini.names[PLAIN][0], mini.names[WRAPPED][1]
    (mini.images / f"{one}.dcm").unlink()
    (mini.images / f"{other}.dcm").rename(mini.images / f"{one}.dcm")
    cohort = open_rsna(mini.root)
    assert any(s.name == f"{one}.dcm" and "different labels" in s.reason for s in cohort.skipped)
    loaded = cohort.load(cases_of(cohort)[WRAPPED])
    assert tuple(loaded.slice_labels[1]) == (-1,) * 6


def test_contradicting_rows_leave_the_image_unlabelled(mini):
    name = mini.names[PLAIN][2]
    changed = tuple(1 - value for value in mini.labels[name])
    write_csv(mini.table, HEADER, *rows_of(mini), *rsna_rows(name, changed))
    cohort = open_rsna(mini.root)
    assert any(s.name == name.lower() and "contradict" in s.reason for s in cohort.skipped)
    assert tuple(cohort.load(cases_of(cohort)[PLAIN]).slice_labels[2]) == (-1,) * 6


def test_a_series_of_two_patients_is_refused(mini):
    write_series(mini, 5, PLAIN, "ID_p9", head_hu(seed=4), positions=[(-8.0, -8.4, 100.0 + z) for z in range(5)])
    cohort = open_rsna(mini.root)
    assert PLAIN not in cases_of(cohort)
    assert any(s.name == PLAIN and "2 patients" in s.reason for s in cohort.skipped)


def test_mixed_sizes_are_refused_when_loaded(mini):
    write_series(mini, 6, ODD, "ID_p2", head_hu((1, 30, 30)), positions=[(-8.0, -8.4, 200.0)])
    cohort = open_rsna(mini.root)
    with pytest.raises(GeometryError, match="mixes sizes"):
        cohort.load(cases_of(cohort)[ODD])


def test_one_identifier_at_two_places_is_refused_when_loaded(mini):
    path = mini.images / f"{mini.names[PLAIN][1]}.dcm"
    copy = pydicom.dcmread(path)
    copy.ImagePositionPatient = [-8.0, -8.4, 30.0]
    with pydicom.config.disable_value_validation():
        copy.save_as(mini.images / "ID_copy.dcm")
    cohort = open_rsna(mini.root)
    with pytest.raises(GeometryError, match="two slices have one SOPInstanceUID"):
        cohort.load(cases_of(cohort)[PLAIN])


def test_a_copy_of_a_file_with_a_name_of_its_own_changes_nothing(mini):
    name = mini.names[PLAIN][1]
    shutil.copy(mini.images / f"{name}.dcm", mini.images / "copy of it.dcm")
    cohort = open_rsna(mini.root)
    loaded = cohort.load(cases_of(cohort)[PLAIN])
    assert len(loaded.slice_labels) == 5
    assert tuple(loaded.slice_labels[1]) == mini.labels[name]


def test_a_lost_slice_is_told(mini):
    (mini.images / f"{mini.names[PLAIN][2]}.dcm").write_bytes(b"")
    cohort = open_rsna(mini.root)
    loaded = cohort.load(cases_of(cohort)[PLAIN])
    assert any("missing between" in warning for warning in loaded.scan.warnings)
    expected = [mini.labels[mini.names[PLAIN][z]] for z in (0, 1, 3)]
    assert [tuple(row) for row in loaded.slice_labels[:3]] == expected


def test_the_cache_and_workers_give_the_same_cohort(mini, tmp_path):
    first = open_rsna(mini.root)
    assert open_rsna(mini.root, cache=tmp_path / "cache.tsv", workers=2) == first
    assert open_rsna(mini.root, cache=tmp_path / "cache.tsv") == first
    assert pickle.dumps(first), "loader processes need it"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda mini: mini.table.unlink(), "holds no stage_2_train.csv"),
        (lambda mini: mini.images.rename(mini.root / "x"), "holds no folder stage_2_train"),
        (lambda mini: [path.unlink() for path in mini.images.glob("*.dcm")], "no series among"),
        (lambda mini: mini.table.write_text(""), "is empty"),
        (lambda mini: mini.table.write_text("a,b\n1,2\n"), "no column ID, Label"),
    ],
)
def test_another_layout_is_refused_in_one_line(mini, spoil, problem):
    spoil(mini)
    with pytest.raises(CohortError, match=problem) as error:
        open_rsna(mini.root)
    assert "\n" not in str(error.value)


def test_a_table_of_other_images_is_refused(mini):
    write_csv(mini.table, HEADER, *rsna_rows("ID_000000000", (0,) * 6))
    with pytest.raises(CohortError, match=r"stage_2_train.csv: has no row for any of the \d+ files in .*stage_2_train"):
        open_rsna(mini.root)


def test_a_zip_is_to_be_unpacked(tmp_path):
    (tmp_path / "rsna.zip").write_bytes(b"PK")
    with pytest.raises(CohortError, match="unpack it"):
        open_rsna(tmp_path / "rsna.zip")

import numpy as np
import pytest
from cohorts.miniatures import class_map, head_hu, save_nifti, write_csv
from cohorts.nifti_miniatures import A, B, C, D, write_mbh_seg

from ichnos.cohorts.readers.mbh_seg import NAME_COLUMN, open_mbh_seg
from ichnos.errors import CohortError, UsageError


@pytest.fixture
def root(tmp_path):
    return write_mbh_seg(tmp_path / "mbh")


def test_all_parts_are_found(root):
    cohort = open_mbh_seg(root)
    assert {case.case: (case.patient, case.hints["split"], sorted(case.masks)) for case in cohort.cases} == {
        A: ("ID_a1", "train", ["1", "2", "4"]),
        B: ("ID_a1", "train", []),
        C: ("ID_b2", "val", ["5"]),
        D: ("ID_c3", "train", []),
    }


def test_two_of_three_raters_are_the_majority_and_one_drew_nothing(root):
    cohort = open_mbh_seg(root)
    loaded = cohort.load(cohort.cases[0])
    np.testing.assert_array_equal(loaded.bleed_masks["subdural"], class_map() == 5)
    assert loaded.slice_labels[1].tolist() == [1, 1, 0, 0, 0, 0]


def test_one_rater_on_demand(root):
    nothing = open_mbh_seg(root, rater="4")
    assert nothing.load(nothing.cases[0]).bleed_masks == {}
    assert (nothing.load(nothing.cases[0]).slice_labels == 0).all()
    assert nothing.load(nothing.cases[2]).bleed_masks is None
    with pytest.raises(UsageError, match="there are: 1, 2, 4, 5, or majority"):
        open_mbh_seg(root, rater="3")


def test_labels_of_whole_scans(root):
    cohort = open_mbh_seg(root)
    bleeding, healthy = cohort.cases[1], cohort.cases[3]
    assert bleeding.scan_labels == {
        "any": True,
        "epidural": False,
        "intraparenchymal": False,
        "intraventricular": False,
        "subarachnoid": False,
        "subdural": True,
    }
    assert cohort.load(bleeding).slice_labels[0].tolist() == [-1, 0, 0, 0, 0, -1]
    assert (cohort.load(healthy).slice_labels == 0).all()


def test_a_title_above_the_header_hides_no_label_and_other_tables_are_told(root):
    (table,) = root.rglob("*.csv")
    table.write_text("Labels of MBH-Seg\n" + table.read_text())
    other = write_csv(root / "labels.csv", "name,any", f"{B},1")
    cohort = open_mbh_seg(root)
    assert cohort.cases[1].scan_labels["subdural"] is True
    assert (str(other), f"a table without a column {NAME_COLUMN}, so its labels are not used") in {
        (one.name, one.reason) for one in cohort.skipped
    }


def test_what_is_odd_is_told(root):
    cohort = open_mbh_seg(root)
    assert [(one.name.rpartition("/")[2], one.reason) for one in cohort.skipped] == [
        ("ID_no_ID_image", "holds 0 files image.nii.gz instead of one")
    ]
    assert cohort.notes == ("1 row(s) of tables have no scan: id_gone_id_gone",)


@pytest.mark.parametrize("part", ["MBH_Train_2025_voxel-label", "MBH_Train_2025_case-label"])
def test_one_part_alone(root, part):
    assert len(open_mbh_seg(root / part).cases) == (1 if "voxel" in part else 2)


def test_a_root_that_is_a_folder_too_high(root):
    assert len(open_mbh_seg(root.parent).cases) == 4


def test_a_case_in_two_parts_is_told(root):
    save_nifti(root / "MBH_Train_2025_case-label" / f"{A}.nii.gz", head_hu())
    cohort = open_mbh_seg(root)
    assert len(cohort.cases) == 4
    assert any(f"case {A} also is" in one.reason for one in cohort.skipped)


def test_contradicting_rows_are_refused(root):
    write_csv(root / "more.csv", f"{NAME_COLUMN},any", f"{B},0")
    with pytest.raises(CohortError, match=r"line 2, column any: contradicts an earlier row"):
        open_mbh_seg(root)


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(CohortError, match="is it MBH-Seg 2025"):
        open_mbh_seg(tmp_path)
    (tmp_path / "x.zip").touch()
    with pytest.raises(CohortError, match="unpack the collection"):
        open_mbh_seg(tmp_path / "x.zip")

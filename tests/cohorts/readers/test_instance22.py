import numpy as np
import pytest
from cohorts.miniatures import class_map, head_hu, save_nifti
from cohorts.nifti_miniatures import write_instance22

from ichnos.cohorts.readers.instance22 import open_instance22
from ichnos.errors import CohortError


@pytest.fixture
def root(tmp_path):
    return write_instance22(tmp_path / "instance")


def test_images_and_masks_are_joined_by_number(root):
    cohort = open_instance22(root)
    assert [(case.case, bool(case.masks), case.hints["split"]) for case in cohort.cases] == [
        ("001", True, "train"),
        ("002", False, "train"),
        ("010", True, "train"),
        ("evaluation-001", False, "evaluation"),
    ]
    assert cohort.notes == (
        "100 scans with masks are known; found 2",
        "1 training scan(s) have no mask: 002",
        "patients are not told; each case is taken as a patient",
    )


def test_masks_of_255_and_empty_ones(root):
    cohort = open_instance22(root)
    drawn, empty = cohort.load(cohort.cases[0]), cohort.load(cohort.cases[2])
    np.testing.assert_array_equal(drawn.bleed_masks["any"], class_map() > 0)
    assert drawn.slice_labels[:, 0].tolist() == [0, 1, 1, 1, 0]
    assert (drawn.slice_labels[1:4, 1:] == -1).all(), "subtypes are not told"
    assert empty.bleed_masks == {}
    assert (empty.slice_labels == 0).all()


def test_scans_of_a_part_without_its_folder_are_told(root):
    save_nifti(root / "test" / "201.nii.gz", head_hu())
    (told,) = open_instance22(root).skipped
    assert (told.name, told.reason) == (
        str(root / "test" / "201.nii.gz"),
        "not in test/data; move the scans of this part there",
    )


def test_the_part_itself(root):
    assert len(open_instance22(root / "train_2").cases) == 3


def test_two_files_of_one_case_are_refused(root):
    save_nifti(root / "train_2" / "data" / "1.nii", head_hu())
    with pytest.raises(CohortError, match="stand for the same case"):
        open_instance22(root)


def test_two_parts_with_the_same_names_are_refused(root):
    save_nifti(root / "train_1" / "data" / "001.nii.gz", head_hu())
    save_nifti(root / "train_1" / "label" / "001.nii.gz", class_map())
    with pytest.raises(CohortError, match="001 stand in several parts"):
        open_instance22(root)


def test_a_mask_without_image_and_other_files_are_told(root):
    save_nifti(root / "train_2" / "label" / "077.nii.gz", class_map())
    (root / "train_2" / "data" / "list.xlsx").touch()
    assert [(one.name.rpartition("/")[2], one.reason) for one in open_instance22(root).skipped] == [
        ("list.xlsx", "not a NIfTI file"),
        ("077.nii.gz", "a mask without an image"),
    ]


def test_another_layout_is_refused(tmp_path):
    with pytest.raises(CohortError, match="holds no folder `data`"):
        open_instance22(tmp_path)

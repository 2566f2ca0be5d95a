import json

import numpy as np
import pytest
from cohorts.miniatures import class_map, head_hu, save_nifti
from cohorts.nifti_miniatures import write_json, write_nnunet

from ichnos.cohorts.readers.nnunet import find_dataset_json, open_nnunet
from ichnos.errors import CohortError, PixelError


@pytest.fixture
def root(tmp_path):
    return write_nnunet(tmp_path)


def change(root, **changes):
    path = root / "Dataset042_Bleeds" / "dataset.json"
    write_json(path, json.loads(path.read_text()) | changes)


def test_images_are_joined_to_masks_by_name(root):
    cohort = open_nnunet(root)
    assert [(case.case, case.hints.get("split"), case.hints.get("fold")) for case in cohort.cases] == [
        ("case_1", "train", "0"),
        ("case_10", "train", "1"),
        ("case_2", "train", None),
        ("case_3", "test", None),
    ]
    assert [sorted(case.masks) for case in cohort.cases] == [[""], [""], [], []]
    assert cohort.cases == open_nnunet(root / "Dataset042_Bleeds").cases


def test_what_is_odd_is_told(root):
    cohort = open_nnunet(root)
    assert [(one.name.rpartition("/")[2], one.reason) for one in cohort.skipped] == [
        ("readme.txt", "not a NIfTI file"),
        ("case_99.nii.gz", "a mask without an image"),
    ]
    assert cohort.notes == (
        "dataset.json tells of 4 training cases; found 3",
        "1 training case(s) have no mask: case_2",
        "patients are not told; each case is taken as a patient",
    )


def test_names_of_bhsd_keep_the_scans_of_a_patient_together(root):
    for number, study in (("1", "ID_a1_ID_b1"), ("10", "ID_A1_ID_c2")):
        for path in root.rglob(f"case_{number}.nii.gz"), root.rglob(f"case_{number}_0000.nii.gz"):
            for file in list(path):
                file.rename(file.with_name(file.name.replace(f"case_{number}", study)))
    patients = {case.case: case.patient for case in open_nnunet(root).cases}
    assert patients == {"ID_a1_ID_b1": "ID_a1", "ID_A1_ID_c2": "ID_a1", "case_2": "case_2", "case_3": "case_3"}
    assert "2 name(s) tell no patient, each is taken as a patient: case_2, case_3" in open_nnunet(root).notes


@pytest.mark.parametrize("name", ["case_1", "case_10"])
def test_masks_lie_on_their_slices_however_they_are_stored(root, name):
    cohort = open_nnunet(root)
    loaded = cohort.load(next(case for case in cohort.cases if case.case == name))
    assert sorted(loaded.bleed_masks) == ["epidural", "intraparenchymal", "subarachnoid", "subdural"]
    np.testing.assert_array_equal(loaded.bleed_masks["subdural"], class_map() == 5)
    assert loaded.slice_labels[2].tolist() == [1, 0, 0, -1, 0, 1], "IVH is no class of this dataset"
    assert loaded.scan.geometry.tilt_degrees == pytest.approx(0 if name == "case_1" else np.degrees(np.arctan(1.3 / 5)))


def test_the_decathlon(tmp_path):
    write_json(
        tmp_path / "dataset.json",
        {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "ICH"}, "numTraining": 1},
    )
    save_nifti(tmp_path / "imagesTr" / "scan_2019.nii.gz", head_hu())
    save_nifti(tmp_path / "labelsTr" / "scan_2019.nii.gz", (class_map() > 0).astype(np.uint8))
    cohort = open_nnunet(tmp_path)
    assert [case.case for case in cohort.cases] == ["scan_2019"]
    np.testing.assert_array_equal(cohort.load(cohort.cases[0]).bleed_masks["any"], class_map() > 0)


def test_listed_files_are_taken(root):
    folder = root / "Dataset042_Bleeds"
    save_nifti(folder / "elsewhere" / "x.nii.gz", head_hu())
    save_nifti(folder / "elsewhere" / "y.nii.gz", class_map())
    change(
        root,
        dataset={
            "p": {"images": ["elsewhere/x.nii.gz"], "label": "elsewhere/y.nii.gz"},
            "q": {"images": ["elsewhere/gone.nii.gz"], "label": "elsewhere/y.nii.gz"},
        },
    )
    cohort = open_nnunet(root)
    assert [case.case for case in cohort.cases] == ["p"]
    assert "gone.nii.gz" in cohort.skipped[0].reason
    assert cohort.load(cohort.cases[0]).slice_labels[1, 1] == 1


def test_ignored_voxels_refuse_the_case(root):
    change(root, labels={"background": 0, "EDH": 1, "SDH": 2, "ICH": 4, "ignore": 5})
    cohort = open_nnunet(root)
    with pytest.raises(PixelError, match="holds the value 5"):
        cohort.load(cohort.cases[0])


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda folder: (folder / "dataset.json").unlink(), "holds no dataset.json"),
        (lambda folder: (folder / "imagesTr").rename(folder / "pictures"), "holds no imagesTr"),
        (lambda folder: save_nifti(folder / "imagesTr" / "case_1_0001.nii.gz", head_hu()), "is channel 1"),
        (lambda folder: save_nifti(folder / "labelsTr" / "case_1.nii", class_map()), "stand for the same case"),
        (lambda folder: (folder / "splits_final.json").write_text('{"a": 1}'), "splits_final.json: is not a list"),
        (lambda folder: write_json(folder.parent / "Dataset7" / "dataset.json", {}), "holds 2 datasets"),
    ],
)
def test_other_layouts_are_refused(root, spoil, problem):
    spoil(root / "Dataset042_Bleeds")
    with pytest.raises(CohortError, match=problem):
        open_nnunet(root)


def test_strangers_in_splits_are_told(root):
    write_json(root / "Dataset042_Bleeds" / "splits_final.json", [{"train": [], "val": ["nobody"]}])
    assert "splits_final.json names 1 case(s) that are not there: nobody" in open_nnunet(root).notes


def test_a_file_is_no_dataset(tmp_path):
    (tmp_path / "x").touch()
    assert find_dataset_json(tmp_path / "x") is None

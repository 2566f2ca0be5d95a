import numpy as np
import pytest
from cohorts.miniatures import class_map, save_nifti
from cohorts.nifti_miniatures import A, B, C, D, write_bhsd, write_json

from ichnos.cohorts.readers.bhsd import KNOWN_MASKS, open_bhsd
from ichnos.errors import CohortError, UsageError


@pytest.fixture
def root(tmp_path):
    return write_bhsd(tmp_path / "bhsd")


def test_names_tell_patients_and_studies(root):
    cohort = open_bhsd(root)
    assert {case.case: case.patient for case in cohort.cases} == {A: "ID_a1", B: "ID_a1", C: "ID_b2", D: "ID_c3"}
    assert cohort.cases[0].identifiers == {"rsna_patient": "ID_a1", "rsna_study": "ID_5c0"}
    assert [case.hints for case in cohort.cases] == [{}, {}, {}, {"split": "unlabelled"}]


def test_five_classes_in_the_order_of_the_collection(root):
    cohort = open_bhsd(root)
    for case in cohort.cases[:2]:
        loaded = cohort.load(case)
        assert loaded.slice_labels[1].tolist() == [1, 1, 0, 0, 0, 0]  # 1 epidural
        assert loaded.slice_labels[2].tolist() == [1, 0, 0, 0, 0, 1]  # 5 subdural
        np.testing.assert_array_equal(loaded.bleed_masks["subarachnoid"], class_map() == 4)
    assert cohort.load(cohort.cases[2]).bleed_masks is None


def test_a_dataset_json_is_believed(root):
    (root / "label_192" / "images").rename(root / "label_192" / "imagesTr")
    (root / "label_192" / "ground truths").rename(root / "label_192" / "labelsTr")
    labels = {"0": "background", "1": "SDH", "2": "SAH", "3": "IVH", "4": "IPH", "5": "EDH"}
    write_json(root / "label_192" / "dataset.json", {"modality": {"0": "CT"}, "labels": labels})
    cohort = open_bhsd(root)
    assert [case.patient for case in cohort.cases] == ["ID_a1", "ID_a1", "ID_b2"]
    assert cohort.load(cohort.cases[0]).slice_labels[1].tolist() == [1, 0, 0, 0, 0, 1]


def test_what_is_odd_is_told(root):
    cohort = open_bhsd(root)
    assert [(one.name.rpartition("/")[2], one.reason) for one in cohort.skipped] == [
        (f"{D}.nii.gz", "a mask without an image")
    ]
    assert f"1 image(s) have no mask: {C}" in cohort.notes
    assert f"{KNOWN_MASKS} scans with masks are known; found 2" in cohort.notes


def test_folders_of_several_raters(root):
    base = root / "label_192"
    (base / "ground truths").rename(base / "label_annot_1")
    save_nifti(base / "label_annot_2" / f"{A}.nii.gz", (class_map() == 1).astype(np.uint8))
    cohort = open_bhsd(root)
    assert sorted(cohort.cases[0].masks) == ["1", "2"]
    assert list(cohort.load(cohort.cases[0]).bleed_masks) == ["epidural"], "both agree on this only"
    one = open_bhsd(root, rater="1")
    assert sorted(one.load(one.cases[0]).bleed_masks) == ["epidural", "intraparenchymal", "subarachnoid", "subdural"]
    with pytest.raises(UsageError, match="no rater is called '3'"):
        open_bhsd(root, rater="3")


def test_other_names_tell_no_patient(root):
    for folder in ("images", "ground truths"):
        (root / "label_192" / folder / f"{A}.nii.gz").rename(root / "label_192" / folder / "first.nii.gz")
    cohort = open_bhsd(root)
    assert {case.case: case.patient for case in cohort.cases}["first"] == "first"
    assert "1 name(s) tell no patient, each is taken as a patient: first" in cohort.notes


@pytest.mark.parametrize("folder", ["images", "ground truths"])
def test_another_layout_is_refused(root, folder):
    (root / "label_192" / folder).rename(root / "label_192" / "other")
    with pytest.raises(CohortError, match="holds no folder `images` beside `ground truths`"):
        open_bhsd(root)

from dataclasses import replace

import nibabel
import numpy as np
import pytest
from cohorts.miniatures import class_map, head_hu, save_nifti
from scans.dicom_files import save_series

from ichnos.cohorts.case import Case, Cohort
from ichnos.cohorts.readers.bhsd import CLASSES
from ichnos.cohorts.readers.drawn import load_drawn
from ichnos.cohorts.readers.nnunet import open_nnunet
from ichnos.cohorts.readers.nnunet_export import BINARY_CLASSES, SUBTYPE_CLASSES, draw_classes, export_nnunet
from ichnos.errors import UsageError


def load_classes(case):
    return load_drawn(case, classes=CLASSES)


@pytest.fixture
def cohort(tmp_path):
    """Two patients with masks (one tilted, stored upside down), a scan without mask, an uneven one."""
    cases = []
    for number, (name, shear, flips) in enumerate(
        [("a", 0.0, (False, False, False)), ("b", 1.2, (True, True, False)), ("c", 0.0, (False, True, True))]
    ):
        scan = save_nifti(tmp_path / f"{name}.nii.gz", head_hu(seed=number), shear_mm=shear, flips=flips)
        masks = {} if name == "c" else {"": save_nifti(tmp_path / f"{name}-mask.nii.gz", class_map(), shear_mm=shear)}
        cases.append(Case(name, f"p-{name}", (scan,), masks=masks))
    save_series(tmp_path / "uneven", (0, 5, 10, 20))
    cases.append(Case("uneven", "p-u", (tmp_path / "uneven",), masks={}))
    return Cohort("folder", tmp_path, "CC0", tuple(cases), load_classes)


def test_what_was_exported_is_read_back_the_same(cohort, tmp_path):
    export = export_nnunet(cohort, tmp_path / "Dataset001_X", folds=[["a"], ["b"]])
    assert export.written == ("a", "b")
    back = open_nnunet(tmp_path / "Dataset001_X")
    assert [case.hints["fold"] for case in back.cases] == ["0", "1"]
    assert back.licence == "CC0"
    for case, again in zip(cohort.cases[:2], back.cases, strict=True):
        first, second = cohort.load(case), back.load(again)
        np.testing.assert_array_equal(first.scan.voxels_hu, second.scan.voxels_hu)
        np.testing.assert_array_equal(first.slice_labels, second.slice_labels)
        assert first.bleed_masks.keys() == second.bleed_masks.keys()
        for name, voxels in first.bleed_masks.items():
            np.testing.assert_array_equal(voxels, second.bleed_masks[name])


def test_image_and_mask_share_one_grid_to_the_bit(cohort, tmp_path):
    export_nnunet(cohort, tmp_path / "out")
    for name in ("a", "b"):
        image = nibabel.load(tmp_path / "out" / "imagesTr" / f"{name}_0000.nii.gz")
        mask = nibabel.load(tmp_path / "out" / "labelsTr" / f"{name}.nii.gz")
        np.testing.assert_array_equal(image.affine, mask.affine)
        assert image.shape == mask.shape
        np.testing.assert_array_equal(image.affine, nibabel.load(tmp_path / f"{name}.nii.gz").affine)
        assert mask.get_data_dtype() == np.uint8


def test_what_cannot_be_exported_is_told(cohort, tmp_path):
    uneven = replace(cohort, load=lambda case: replace(load_classes(case), bleed_masks={}))
    export = export_nnunet(uneven, tmp_path / "out")
    assert export.written == ("a", "b", "c")
    assert [one.name for one in export.skipped] == ["uneven"]
    assert "unevenly spaced (5.00 to 10.00 mm)" in export.skipped[0].reason
    assert [one.reason for one in export_nnunet(cohort, tmp_path / "other").skipped] == ["has no mask"] * 2


def test_a_scan_that_cannot_be_read_is_told(cohort, tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(b"broken")
    export = export_nnunet(cohort, tmp_path / "out")
    assert export.written == ("b",)
    assert "cannot be read" in export.skipped[0].reason


def test_one_class_on_demand(cohort, tmp_path):
    export_nnunet(cohort, tmp_path / "out", subtypes=False)
    back = open_nnunet(tmp_path / "out")
    np.testing.assert_array_equal(back.load(back.cases[0]).bleed_masks["any"], class_map() > 0)


def test_voxels_with_two_subtypes_are_counted(cohort):
    loaded = cohort.load(cohort.cases[0])
    both = replace(loaded, bleed_masks={"epidural": class_map() == 1, "subdural": class_map() > 0})
    drawn, overlapping = draw_classes(both, SUBTYPE_CLASSES)
    assert overlapping == 1
    np.testing.assert_array_equal(drawn, np.where(class_map() == 1, 1, np.where(class_map() > 0, 5, 0)))
    np.testing.assert_array_equal(draw_classes(both, BINARY_CLASSES)[0], class_map() > 0)


@pytest.mark.parametrize(
    ("folds", "problem"),
    [
        ([["z"]], "unknown cases: z"),
        ([["a"], ["a"]], "cases twice: a"),
    ],
)
def test_folds_must_name_cases_once(cohort, tmp_path, folds, problem):
    with pytest.raises(UsageError, match=problem):
        export_nnunet(cohort, tmp_path / "out", folds=folds)


def test_a_patient_stays_on_one_side(cohort, tmp_path):
    twin = replace(cohort.cases[1], patient="p-a")
    with pytest.raises(UsageError, match="fold 0 validates on a patient that b trains on"):
        export_nnunet(replace(cohort, cases=(cohort.cases[0], twin)), tmp_path / "out", folds=[["a"], ["b"]])


def test_a_folder_with_something_in_it_is_kept(cohort, tmp_path):
    with pytest.raises(UsageError, match="is not empty"):
        export_nnunet(cohort, tmp_path)


def test_nothing_to_export_is_an_error(cohort, tmp_path):
    with pytest.raises(UsageError, match="no case of folder can be exported; the first, c: has no mask"):
        export_nnunet(replace(cohort, cases=cohort.cases[2:3]), tmp_path / "out")

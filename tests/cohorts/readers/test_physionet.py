import nibabel
import numpy as np
import pytest
from cohorts.readers.physionet_miniature import (
    HEADER,
    forget_place,
    phantom,
    save_nifti,
    slice_rows,
    where_mm,
    write_csv,
    write_jpeg_layout,
    write_nifti_layout,
)

from ichnos.cohorts.readers import open_cohort
from ichnos.cohorts.readers.physionet import BLEEDING, SLICES, open_physionet
from ichnos.cohorts.slice_store import LABELS
from ichnos.errors import CohortError, GeometryError, PixelError, ScanError

TABLE = "hemorrhage_diagnosis_raw_ct.csv"
SUBDURAL = [1, 0, 0, 0, 0, 1]


@pytest.fixture
def root(tmp_path):
    write_nifti_layout(tmp_path / "ct-ich")
    return tmp_path / "ct-ich"


def load(root, name):
    cohort = open_physionet(root)
    return cohort.load(next(case for case in cohort.cases if case.case == name))


def rewrite(root, change):
    """Write the table anew from plain rows of the three patients, after a change."""
    rows = []
    for number, feet_first in ((49, True), (50, False), (51, True)):
        drawn = phantom(number)[1] if number != 51 else np.zeros_like(phantom(number)[1])
        rows += slice_rows(number, drawn, feet_first=feet_first)
    write_csv(root / TABLE, [HEADER, *change(rows)])


def test_published_counts_are_those_of_the_papers():
    """Spahr 2023: 75 volumes, 2,814 slices, 36 with a bleed and 1,358 slices in those."""
    assert len(SLICES) == 75
    assert sum(SLICES.values()) == 2814
    assert len(BLEEDING) == 36
    assert sum(SLICES[number] for number in BLEEDING) == 1358


@pytest.mark.parametrize("name", ["049", "050"])
def test_labels_masks_and_voxels_lie_on_the_same_slices_whichever_way_they_were_stored(root, name):
    loaded = load(root, name)
    hu, drawn = phantom(int(name))
    np.testing.assert_array_equal(loaded.scan.voxels_hu, np.maximum(hu, -1024))
    bleeds = drawn.any(axis=(1, 2))
    assert (loaded.slice_labels[bleeds] == SUBDURAL).all()
    assert (loaded.slice_labels[~bleeds] == 0).all()
    np.testing.assert_array_equal(loaded.bleed_masks["any"], drawn)
    centroid = loaded.scan.geometry.centroid_mm(loaded.bleed_masks["any"])
    np.testing.assert_allclose(centroid, where_mm(drawn), atol=1e-4)
    assert not loaded.repairs
    assert not [line for line in loaded.scan.warnings if "drawn" in line]


def test_a_scan_without_bleed_has_a_mask_with_nothing_in_it(root):
    loaded = load(root, "051")
    assert loaded.bleed_masks == {}
    assert (loaded.slice_labels == 0).all()


@pytest.mark.parametrize("above", ["ct-ich", "."])
def test_the_folder_may_be_given_or_one_above_it(root, above):
    cohort = open_cohort("physionet-ct-ich", root.parent / above)
    assert [case.case for case in cohort.cases] == ["049", "050", "051"]
    assert [case.patient for case in cohort.cases] == ["049", "050", "051"]
    assert cohort.cases[0].scan_labels == {name: name in {"any", "subdural"} for name in LABELS}
    assert cohort.cases[2].scan_labels == dict.fromkeys(LABELS, False)
    assert cohort.cases[0].identifiers == {"physionet_ct_ich": "049"}


def test_differences_from_what_was_published_are_told(root):
    notes = open_physionet(root).notes
    assert any(note.startswith("3 of 75 published scans are here, missing: 052, 053") for note in notes)
    assert any("049 has 6, not 39" in note for note in notes)
    assert any("not labelled as bleeding, unlike published: 051" in note for note in notes)
    assert "patients of the demographics without a scan: 052, 053, 054, 055, 056, 057, 058 and 72 more" in notes


def test_a_missing_mask_is_told_and_is_not_an_empty_one(root):
    (root / "masks/049.nii").unlink()
    (root / "masks/051.nii").unlink()
    cohort = open_physionet(root)
    assert "bleeding scans without a mask: 049" in cohort.notes
    assert "other scans without a mask: 051" in cohort.notes
    assert load(root, "049").bleed_masks is None
    assert (load(root, "049").slice_labels[1] == SUBDURAL).all()


def test_labels_and_masks_that_disagree_are_told_slice_by_slice(root):
    _, drawn = phantom(49)
    moved = np.roll(drawn, 1, axis=0)
    save_nifti(root / "masks/049.nii", moved.astype(np.uint8) * 255)
    loaded = load(root, "049")
    assert "labelled as bleeding, but nothing is drawn, on slice(s) z = 1" in loaded.scan.warnings
    assert "labelled as free of blood, but blood is drawn, on slice(s) z = 3" in loaded.scan.warnings
    assert loaded.repairs == {"slices whose label and mask disagree": 2}


@pytest.mark.parametrize("value", [1, 254, 255])
def test_any_value_above_0_is_drawn(root, value):
    drawn = phantom(49)[1]
    save_nifti(root / "masks/049.nii", drawn.astype(np.uint8) * value)
    np.testing.assert_array_equal(load(root, "049").bleed_masks["any"], drawn)


def test_a_mask_stored_the_other_way_round_is_put_right_by_its_affine(root):
    drawn = phantom(49)[1]
    save_nifti(root / "masks/049.nii", drawn.astype(np.uint8) * 255, feet_first=False)
    np.testing.assert_array_equal(load(root, "049").bleed_masks["any"], drawn)


def test_a_mask_without_a_place_is_taken_voxel_by_voxel_and_counted(root):
    drawn = phantom(50)[1]
    forget_place(root / "masks/050.nii")
    loaded = load(root, "050")
    np.testing.assert_array_equal(loaded.bleed_masks["any"], drawn)
    assert loaded.repairs == {"masks without a place, taken voxel by voxel": 1}
    save_nifti(root / "masks/050.nii", drawn.astype(np.uint8), feet_first=False, affine=np.eye(4))
    np.testing.assert_array_equal(load(root, "050").bleed_masks["any"], drawn)


def test_a_mask_elsewhere_or_of_another_size_is_refused(root):
    drawn = phantom(49)[1].astype(np.uint8)
    away = np.diag([-0.6, 0.8, 5.0, 1.0])
    save_nifti(root / "masks/049.nii", drawn, affine=away)
    with pytest.raises(GeometryError, match=r"049\.nii: lies up to .* mm off the scan"):
        load(root, "049")
    save_nifti(root / "masks/049.nii", drawn[:-1], affine=np.eye(4))
    with pytest.raises(GeometryError, match="has 5 slices"):
        load(root, "049")


def test_slices_without_a_row_are_not_labelled_by_anyone(root):
    rewrite(root, lambda rows: [row for row in rows if row[:2] != [51, 3]])
    (root / "masks/051.nii").unlink()
    cohort = open_physionet(root)
    assert "1 scans have slices without a row: 051 (1 of 6)" in cohort.notes
    loaded = load(root, "051")
    assert (loaded.slice_labels[2] == -1).all()
    assert (np.delete(loaded.slice_labels, 2, axis=0) == 0).all()
    assert not loaded.case.scan_labels


def test_labels_beyond_the_slices_are_those_of_another_scan_and_refused(root):
    rewrite(root, lambda rows: [*rows, [50, 7, 0, 0, 0, 0, 0, 1, 0], [51, 0, 0, 0, 0, 0, 0, 1, 0]])
    cohort = open_physionet(root)
    assert [case.case for case in cohort.cases] == ["049"]
    assert {one.name: one.reason.split(":")[0] for one in cohort.skipped} == {
        "050": "labels for slice 7, but the scan has slices 1 to 6",
        "051": "labels for slice 0, but the scan has slices 1 to 6",
    }


def test_a_scan_that_changed_after_listing_is_refused_too(root):
    cohort = open_physionet(root)
    hu, _ = phantom(49)
    save_nifti(root / "ct_scans/049.nii", hu[:-1])
    with pytest.raises(ScanError, match="labels for slice 6, but the scan has slices 1 to 5"):
        cohort.load(cohort.cases[0])


def test_patients_without_scan_masks_without_scan_and_strange_files_are_told(root):
    rewrite(root, lambda rows: [*rows, [60, 1, 0, 0, 0, 0, 0, 1, 0]])
    (root / "ct_scans/051.nii").rename(root / "ct_scans/scan51.nii")
    (root / "ct_scans/49.nii.gz").write_bytes(b"")
    cohort = open_physionet(root)
    assert "labelled patients without a scan: 051, 060" in cohort.notes
    assert {one.name: one.reason for one in cohort.skipped} == {
        "ct_scans/scan51.nii": "not named NNN.nii",
        "ct_scans/49.nii.gz": "the same number as 049.nii, which is taken",
        "masks/051.nii": "a mask without its scan",
    }


def test_a_broken_scan_is_listed_and_refused_when_loaded(root):
    (root / "ct_scans/050.nii").write_bytes((root / "ct_scans/050.nii").read_bytes()[:900])
    cohort = open_physionet(root)
    assert len(cohort.cases) == 3
    with pytest.raises(ScanError, match=r"050\.nii.*copy it again"):
        cohort.load(cohort.cases[1])


def test_the_table_of_the_pictures_is_refused_under_either_name(root):
    (root / TABLE).rename(root / "hemorrhage_diagnosis.csv")
    with pytest.raises(CohortError, match=r"no hemorrhage_diagnosis_raw_ct\.csv; hemorrhage_diagnosis\.csv numbers"):
        open_physionet(root)
    old = [[number, 1, 0, 0, 0, 0, 0, 1, 0] for number in range(59, 66)]
    rewrite(root, lambda rows: [*[row for row in rows if row[1] < 5], *old])
    with pytest.raises(CohortError, match=r"rows of patients 059 to 065 .* numbers slices otherwise"):
        open_physionet(root)


def test_fractures_are_a_hint(root):
    rewrite(root, lambda rows: [[*row[:8], int(row[:2] in ([49, 6], [49, 2]))] for row in rows])
    assert open_physionet(root).cases[0].hints == {"fractured_slices": "2 6"}


def test_slices_along_another_axis_than_the_last_are_refused(root):
    image = nibabel.load(root / "ct_scans/049.nii")
    turned = nibabel.Nifti1Image(np.asarray(image.dataobj).copy().transpose(2, 0, 1), image.affine[:, [2, 0, 1, 3]])
    nibabel.save(turned, root / "ct_scans/049.nii")
    write_csv(root / TABLE, [HEADER, *slice_rows(49, phantom(49)[1])])
    with pytest.raises(GeometryError, match="slices do not lie along the last axis"):
        load(root, "049")


def test_pictures_are_taken_where_there_is_no_nifti(tmp_path):
    write_jpeg_layout(tmp_path / "computed-tomography-1.0.0")
    assert open_cohort("physionet-ct-ich", tmp_path).name == "physionet-ct-ich-jpeg"


def test_a_folder_without_either_layout_is_refused(tmp_path):
    with pytest.raises(CohortError, match="holds neither ct_scans/ nor Patients_CT/"):
        open_physionet(tmp_path)


def test_a_folder_unpacked_into_itself_is_refused(root):
    (root / "ct_scans").rename(root / "inner")
    (root / "ct_scans").mkdir()
    (root / "inner").rename(root / "ct_scans/ct_scans")
    with pytest.raises(CohortError, match=r"ct_scans: holds no NNN\.nii"):
        open_physionet(root)


@pytest.mark.parametrize("affine", [None, np.eye(4)])
def test_a_mask_whose_255_became_minus_1_is_refused_wherever_it_lies(root, affine):
    save_nifti(root / "masks/049.nii", -phantom(49)[1].astype(np.int16), affine=affine)
    with pytest.raises(PixelError, match=r"049\.nii: holds values .*below 0"):
        load(root, "049")

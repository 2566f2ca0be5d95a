import nibabel
import numpy as np
import pytest
from cohorts.readers.cq500_miniature import HEAD_FIRST, SHEARED, write_info, write_seg_cq500, write_segmented

from ichnos.cohorts.readers import open_cohort
from ichnos.cohorts.readers.seg_cq500 import open_seg_cq500
from ichnos.errors import CohortError, GeometryError, ScanError


@pytest.fixture
def volumes(tmp_path):
    return write_seg_cq500(tmp_path)


@pytest.mark.parametrize(
    ("place", "affine", "bleeding"), [(1, HEAD_FIRST, [0, 0, 0, 1, 1, 0]), (0, SHEARED, [0, 1, 1, 0, 0, 0])]
)
def test_masks_lie_where_the_affine_puts_them_also_when_sheared_or_head_first(volumes, place, affine, bleeding):
    cohort = open_seg_cq500(volumes)
    loaded = cohort.load(cohort.cases[place])
    centre = affine @ [15.5, 6.0, 1.5, 1.0]
    np.testing.assert_allclose(loaded.scan.geometry.centroid_mm(loaded.bleed_masks["any"]), centre[:3], atol=1e-4)
    brain = affine @ [12.5, 9.5, 2.5, 1.0]
    np.testing.assert_allclose(loaded.scan.geometry.centroid_mm(loaded.brain_mask), brain[:3], atol=1e-4)
    assert loaded.slice_labels[:, 0].tolist() == bleeding
    subtypes = loaded.slice_labels[:, 1:]
    assert (subtypes[np.array(bleeding) == 1] == -1).all()
    assert (subtypes[np.array(bleeding) == 0] == 0).all()
    assert loaded.bleed_masks["any"].sum() == 4 * 3 * 2


def test_volume_is_that_of_the_sheared_voxels(volumes):
    cohort = open_seg_cq500(volumes)
    loaded = cohort.load(cohort.cases[0])
    expected = 24 * abs(np.linalg.det(SHEARED[:3, :3])) / 1000
    assert loaded.scan.geometry.volume_ml(loaded.bleed_masks["any"]) == pytest.approx(expected)
    assert loaded.scan.geometry.tilt_degrees == pytest.approx(np.degrees(np.arctan(0.35 / 5)), abs=0.01)


@pytest.mark.parametrize("above", [".", "..", "../..", "../../.."])
def test_the_folder_may_be_given_or_one_above_it(volumes, above):
    cohort = open_cohort("seg-cq500", (volumes / above).resolve())
    assert [case.case for case in cohort.cases] == ["CQ500-CT-243", "CQ500-CT-9"]
    assert [case.patient for case in cohort.cases] == ["CQ500-CT-243", "CQ500-CT-9"]
    assert cohort.cases[0].identifiers == {"cq500": "CQ500-CT-243"}
    assert cohort.cases[0].hints["probability of SDH"] == "0.93"
    assert not cohort.cases[0].scan_labels
    assert cohort.notes == ("2 of 51 published scans are here",)
    assert not cohort.skipped


def test_what_is_missing_is_told(volumes):
    (volumes / "CQ500-CT-9/ICH_mask.nii.gz").unlink()
    (volumes / "CQ500-CT-243/brain.nii.gz").unlink()
    (volumes / "CQ500-CT-7").mkdir()
    (volumes / "CQ500-CT-6 copy").mkdir()
    (volumes / "CQ500-CT-6 copy/CT.nii").touch()
    write_info(volumes / "info.csv", [243, 9, 8, 8])
    cohort = open_seg_cq500(volumes)
    assert cohort.notes == (
        "info.csv: studies with two rows, the last is taken: CQ500-CT-8",
        "2 of 51 published scans are here",
        "scans without a bleed mask: CQ500-CT-9",
        "scans without an intracranial mask: CQ500-CT-243",
        "listed in info.csv, but not here: CQ500-CT-8",
    )
    assert [one.reason for one in cohort.skipped] == ["not named CQ500-CT-<number>", "no CT.nii in it"]
    loaded = cohort.load(cohort.cases[1])
    assert loaded.bleed_masks is None
    assert (loaded.slice_labels == -1).all()
    assert cohort.load(cohort.cases[0]).brain_mask is None


def test_files_of_another_study_in_the_table_are_told(volumes):
    path = volumes / "info.csv"
    path.write_text(path.read_text().replace("CQ500-CT-9,CQ500-CT-9/CT.nii", "CQ500-CT-9,CQ500-CT-8/CT.nii") + "x,,,\n")
    notes = open_seg_cq500(volumes).notes
    assert "info.csv: names files of another study, which are not taken, for: CQ500-CT-9" in notes
    assert "info.csv: rows that are no study were passed over: x" in notes


def test_a_mask_of_another_scan_is_refused(volumes):
    mask = volumes / "CQ500-CT-243/ICH_mask.nii.gz"
    moved = SHEARED.copy()
    moved[0, 3] += 3.0
    nibabel.save(nibabel.Nifti1Image(np.ones((24, 20, 6), np.uint8), moved), mask)
    cohort = open_seg_cq500(volumes)
    with pytest.raises(GeometryError, match=r"ICH_mask\.nii\.gz: lies up to 3\.00 mm off"):
        cohort.load(cohort.cases[0])
    nibabel.save(nibabel.Nifti1Image(np.ones((24, 20, 5), np.uint8), SHEARED), mask)
    with pytest.raises(GeometryError, match="has 5 slices"):
        cohort.load(cohort.cases[0])


def test_a_scan_cut_short_is_refused(volumes):
    scan = volumes / "CQ500-CT-243/CT.nii"
    scan.write_bytes(scan.read_bytes()[:2000])
    cohort = open_seg_cq500(volumes)
    with pytest.raises(ScanError, match=r"CT\.nii.*copy it again"):
        cohort.load(cohort.cases[0])


def test_one_study_in_two_places_is_one_case(volumes):
    write_segmented(volumes.parent / "volumes2", 243)
    cohort = open_seg_cq500(volumes.parent)
    assert len(cohort.cases) == 2
    assert "volumes/CQ500-CT-243 is taken for this study" in cohort.skipped[0].reason


def test_the_zip_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(CohortError, match=r"no CQ500-CT-<number>/CT\.nii there"):
        open_seg_cq500(tmp_path)
    (tmp_path / "Seg-CQ500.zip").write_bytes(b"PK")
    for root in (tmp_path, tmp_path / "Seg-CQ500.zip"):
        with pytest.raises(CohortError, match=r"Seg-CQ500\.zip: is still packed; unpack it"):
            open_seg_cq500(root)


def test_a_folder_without_the_table_is_told(volumes):
    (volumes / "info.csv").unlink()
    cohort = open_seg_cq500(volumes)
    assert cohort.notes[0] == "no info.csv, so no probabilities"
    assert not cohort.cases[0].hints

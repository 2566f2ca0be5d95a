import numpy as np
import pytest
from cohorts.readers.physionet_miniature import (
    HEADER,
    pictures,
    save_jpeg,
    slice_rows,
    write_csv,
    write_jpeg_layout,
    write_nifti_layout,
)

from ichnos.cohorts.readers import open_cohort
from ichnos.cohorts.readers.physionet_jpeg import open_physionet_jpeg
from ichnos.errors import CohortError, GeometryError, PixelError

KEPT = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]
"""Slices of patient 49, counted from 0, that have a picture."""


@pytest.fixture
def root(tmp_path):
    write_jpeg_layout(tmp_path / "ct-ich-1.0.0")
    return tmp_path / "ct-ich-1.0.0"


def load(root, place=0):
    cohort = open_physionet_jpeg(root)
    return cohort.load(cohort.cases[place])


def test_slices_are_ordered_by_number_and_a_gap_is_kept(root):
    loaded = load(root)
    hu, drawn = pictures(49)
    np.testing.assert_allclose(loaded.scan.geometry.gaps_mm, [5, 5, 10, 5, 5, 5, 5, 5, 5, 5])
    inside = loaded.scan.voxels_hu[:, 30, 20]
    np.testing.assert_allclose(inside, hu[KEPT, 30, 20], atol=1.0)
    bleeds = drawn[KEPT].any(axis=(1, 2))
    assert bleeds.tolist() == [False] * 8 + [True, True, False]
    assert (loaded.slice_labels[bleeds] == [1, 0, 0, 0, 0, 1]).all()
    assert (loaded.slice_labels[~bleeds] == 0).all()


def test_ringing_of_jpeg_does_not_change_what_was_drawn(root):
    loaded = load(root)
    np.testing.assert_array_equal(loaded.bleed_masks["any"], pictures(49)[1][KEPT])
    assert not loaded.repairs


def test_a_drawing_lies_at_its_place_in_mm(root):
    loaded = load(root)
    pixel_mm = 205.0 / 72
    expected = [(35.5 - 45.0) * pixel_mm, (29.5 - 25.0) * pixel_mm, 9.5 * 5.0]
    np.testing.assert_allclose(loaded.scan.geometry.centroid_mm(loaded.bleed_masks["any"]), expected, atol=1e-6)


def test_what_cannot_be_trusted_is_said(root):
    warnings = load(root).scan.warnings
    assert "HU are approximate and spacing is nominal: volumes are not to be trusted" in warnings
    assert "pictures are missing, their gap is kept, for slice 4" in warnings


def test_a_patient_without_bleed_has_a_mask_with_nothing_in_it(root):
    loaded = load(root, 1)
    assert loaded.bleed_masks == {}
    assert (loaded.slice_labels == 0).all()


def test_cases_and_differences_are_told(root):
    cohort = open_cohort("physionet-ct-ich-jpeg", root.parent)
    assert [(case.case, case.patient) for case in cohort.cases] == [("049", "049"), ("050", "050")]
    assert cohort.cases[0].scan_labels["subdural"] is True
    assert cohort.cases[0].identifiers == {"physionet_ct_ich": "049"}
    assert any(note.startswith("2 of 82 published patients are here, missing: 051") for note in cohort.notes)
    assert "1 rows without a picture are left out: 049:4" in cohort.notes
    assert "1 pictures are missing before others, their gap is kept: 049:4" in cohort.notes


def test_nothing_is_left_out_in_silence(root):
    folder = root / "Patients_CT/049"
    grey = np.zeros((60, 72), np.uint8)
    save_jpeg(folder / "brain/4_HGE_Seg.jpg", grey)
    save_jpeg(folder / "bone/4.jpg", grey)
    save_jpeg(folder / "brain/copy of 5.jpg", grey)
    save_jpeg(folder / "brain/05.jpg", grey)
    (folder / "brain/Thumbs.db").write_bytes(b"")
    (folder / "subdural").mkdir()
    (root / "Patients_CT/49").mkdir()
    (root / "Patients_CT/051/brain").mkdir(parents=True)
    (root / "Patients_CT/notes.txt").write_text("")
    skipped = {one.name: one.reason for one in open_physionet_jpeg(root).skipped}
    assert skipped == {
        "049/brain/4_HGE_Seg.jpg": "a drawing without its picture",
        "049/bone/4.jpg": "a bone window without its brain window",
        "049/brain/5.jpg": "not named N.jpg, or a second one of its number",
        "049/brain/copy of 5.jpg": "not named N.jpg, or a second one of its number",
        "049/subdural": "not named N.jpg, or a second one of its number",
        "Patients_CT/49": "the same number as 049, which is taken",
        "051": "no pictures in its folder brain/",
        "Patients_CT/notes.txt": "not a folder named NNN",
    }


def test_a_bleeding_slice_without_its_drawing_is_told(root):
    (root / "Patients_CT/049/brain/10_HGE_Seg.jpg").unlink()
    cohort = open_physionet_jpeg(root)
    assert "1 bleeding slices without a drawing: 049:10" in cohort.notes
    assert "labelled as bleeding, but nothing is drawn, on slice(s) z = 8" in load(root).scan.warnings
    (root / "Patients_CT/049/brain/11_HGE_Seg.jpg").unlink()
    assert load(root).bleed_masks is None


def test_pictures_without_a_row_are_not_labelled(root):
    rows = [row for row in slice_rows(50, pictures(50)[1]) if row[1] != 2]
    write_csv(root / "hemorrhage_diagnosis.csv", [HEADER, *slice_rows(49, pictures(49)[1]), *rows])
    cohort = open_physionet_jpeg(root)
    assert "1 pictures without a row: 050:2" in cohort.notes
    loaded = cohort.load(cohort.cases[1])
    assert (loaded.slice_labels[1] == -1).all()
    assert loaded.bleed_masks is None
    assert not loaded.case.scan_labels


def test_pictures_and_drawings_of_another_size_are_refused(root):
    small = np.zeros((60, 60), np.uint8)
    for name in ("brain/10_HGE_Seg.jpg", "bone/2.jpg", "brain/7.jpg"):
        save_jpeg(root / "Patients_CT/049" / name, small)
        with pytest.raises(GeometryError, match=rf"{name.split('/')[1]}: is 60 x 60, others of this patient 60 x 72"):
            load(root)


def test_a_broken_picture_is_refused_by_name(root):
    path = root / "Patients_CT/049/brain/7.jpg"
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(PixelError, match=r"7\.jpg.*copy it again"):
        load(root)


def test_the_other_layout_and_its_table_are_refused(root, tmp_path):
    (root / "hemorrhage_diagnosis.csv").rename(root / "hemorrhage_diagnosis_raw_ct.csv")
    with pytest.raises(CohortError, match=r"no hemorrhage_diagnosis\.csv; the table of version 1\.3 numbers"):
        open_physionet_jpeg(root)
    write_nifti_layout(tmp_path / "1.3.1")
    with pytest.raises(CohortError, match="holds no Patients_CT/"):
        open_physionet_jpeg(tmp_path / "1.3.1")


def test_pictures_that_count_from_0_beside_rows_that_count_from_1_are_left_out(root):
    folder = root / "Patients_CT/050"
    for window in ("brain", "bone"):
        for number in range(1, 13):
            (folder / window / f"{number}.jpg").rename(folder / window / f"{number - 1}.jpg")
    cohort = open_physionet_jpeg(root)
    assert [case.case for case in cohort.cases] == ["049"]
    assert ("050", "pictures or rows count from 0, the others from 1") in [
        (one.name, one.reason) for one in cohort.skipped
    ]
    write_csv(
        root / "hemorrhage_diagnosis.csv", [HEADER, *[[n, z, 0, 0, 0, 0, 0, 1, 0] for n in (49, 50) for z in range(12)]]
    )
    assert [case.case for case in open_physionet_jpeg(root).cases] == ["050"]


def test_a_layout_without_pictures_is_refused(tmp_path):
    (tmp_path / "Patients_CT/049").mkdir(parents=True)
    write_csv(tmp_path / "hemorrhage_diagnosis.csv", [HEADER])
    with pytest.raises(CohortError, match=r"Patients_CT: holds no NNN/brain/N\.jpg"):
        open_physionet_jpeg(tmp_path)

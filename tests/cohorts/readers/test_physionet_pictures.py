import numpy as np
import pytest
from cohorts.readers.physionet_miniature import pictures, save_jpeg, to_grey, write_jpeg_layout

from ichnos.cohorts.readers.physionet_pictures import hu_from_windows, list_pictures, read_drawings, read_pictures
from ichnos.errors import ScanNotFoundError

RAMP_HU = np.linspace(-1000, 2500, 701).reshape(1, -1)


@pytest.fixture
def folder(tmp_path):
    write_jpeg_layout(tmp_path)
    return tmp_path / "Patients_CT/049"


def test_hu_are_as_exact_as_the_window_that_shows_them():
    hu = hu_from_windows(to_grey(RAMP_HU, 40, 120), to_grey(RAMP_HU, 700, 3200))
    error = np.abs(hu - np.clip(RAMP_HU, -900, 2300))
    fine = (RAMP_HU > -18) & (RAMP_HU < 98)
    assert error[fine].max() <= 120 / 255 / 2 + 1e-4
    assert error.max() <= 3200 / 255 / 2 + 1e-2
    assert (np.diff(hu) >= 0).all()


def test_without_a_bone_window_hu_end_at_the_brain_window():
    hu = hu_from_windows(to_grey(RAMP_HU, 40, 120), None)
    np.testing.assert_allclose(hu, np.clip(RAMP_HU, -20, 100), atol=120 / 255 / 2 + 1e-4)


def test_files_are_sorted_by_what_they_are(folder):
    found = list_pictures(folder)
    assert sorted(found.brain) == sorted(found.bone) == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]
    assert {number: path.name for number, path in found.drawn.items()} == {10: "10_HGE_Seg.jpg", 11: "11_HGE_Seg.jpg"}
    assert found.others == []


def test_a_slice_without_bone_window_is_told(folder):
    (folder / "bone/3.jpg").unlink()
    scan = read_pictures(list_pictures(folder), folder)
    assert "no bone window, HU end at -20 and 100, for slice 3" in scan.warnings
    assert scan.voxels_hu[2].min() == -20
    assert scan.voxels_hu[1].min() < -850


def test_a_single_picture_stands_for_its_5_mm(tmp_path):
    hu, drawn = pictures(49)
    save_jpeg(tmp_path / "brain/10.jpg", to_grey(hu[9], 40, 120))
    save_jpeg(tmp_path / "brain/10_HGE_Seg.jpg", drawn[9].astype(np.uint8) * 255)
    found = list_pictures(tmp_path)
    scan = read_pictures(found, tmp_path)
    pixel_mm = 205.0 / 72
    assert scan.geometry.volume_ml(read_drawings(found)) == pytest.approx(7 * 9 * pixel_mm**2 * 5 / 1000)


def test_a_drawing_of_greys_is_cut_in_the_middle(tmp_path):
    from PIL import Image

    (tmp_path / "brain").mkdir()
    grey = np.tile(np.array([0, 40, 127, 128, 255], np.uint8), (4, 1))
    Image.fromarray(grey).save(tmp_path / "brain/1.png")
    Image.fromarray(grey).save(tmp_path / "brain/1_HGE_Seg.png")
    drawn = read_drawings(list_pictures(tmp_path))
    assert drawn[0, 0].tolist() == [False, False, False, True, True]


def test_a_folder_that_is_gone_is_a_scan_that_was_not_found(tmp_path):
    with pytest.raises(ScanNotFoundError, match="gone: no such folder"):
        list_pictures(tmp_path / "gone")

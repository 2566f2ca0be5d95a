import shutil

import numpy as np
import pytest
from scans.dicom_files import ct_slice, enhanced, expected_hu, pattern, save, save_series

from ichnos.errors import ModalityError, PixelError, ScanNotFoundError
from ichnos.scans.dicom import read_dicom


def test_series(tmp_path):
    save_series(tmp_path)
    scan = read_dicom([tmp_path])
    np.testing.assert_array_equal(scan.voxels_hu, expected_hu())
    assert scan.voxels_hu.dtype == np.float32
    assert scan.warnings == ()
    assert (scan.source.kind, scan.source.path, scan.source.series_choice) == ("dicom", tmp_path, None)


def test_source_names_slices_from_feet_to_head(tmp_path):
    save_series(tmp_path, (10, 0, 5))
    expected = [ct_slice(z=z).SOPInstanceUID for z in (0, 5, 10)]
    source = read_dicom([tmp_path]).source
    assert list(source.instance_uids) == expected
    assert source.series_uid == ct_slice().SeriesInstanceUID


def test_files_of_a_list_have_their_common_folder_as_place(tmp_path):
    files = [save(ct_slice(z=z), tmp_path / str(z) / "image") for z in (0, 5)]
    assert read_dicom(files).source.path == tmp_path


def test_upside_down_images_are_turned(tmp_path):
    save_series(tmp_path, (0, 5), orientation=(1, 0, 0, 0, -1, 0))
    np.testing.assert_array_equal(read_dicom([tmp_path]).voxels_hu, expected_hu((0, 5))[:, ::-1])


def test_transposed_images_are_turned(tmp_path):
    save_series(tmp_path, (0, 5), orientation=(0, 1, 0, 1, 0, 0))
    np.testing.assert_array_equal(read_dicom([tmp_path]).voxels_hu, expected_hu((0, 5)).transpose(0, 2, 1))


def test_enhanced_frames_in_any_order(tmp_path):
    images = [pattern(seed=seed) for seed in range(3)]
    dataset = enhanced(images, [(0, 0, z) for z in (10, 0, 5)])
    scan = read_dicom([save(dataset, tmp_path / "1")])
    np.testing.assert_array_equal(scan.voxels_hu, [images[1], images[2], images[0]])
    assert scan.source.instance_uids == tuple(f"{dataset.SOPInstanceUID}#{frame}" for frame in (2, 3, 1))


def test_warnings_are_gathered(tmp_path):
    save_series(tmp_path, (0, 5, 15, 20), ContrastBolusAgent="Iohexol")
    (tmp_path / "broken.dcm").touch()
    warnings = " | ".join(read_dicom([tmp_path]).warnings)
    for part in ("1 file(s) are not DICOM", "contrast-enhanced", "slices seem to be missing"):
        assert part in warnings


def test_files_that_are_not_used_are_named(tmp_path):
    save_series(tmp_path, (0, 5))
    (tmp_path / "IM7").write_text("not found")
    shutil.copy(next(path for path in sorted(tmp_path.iterdir()) if path.name != "IM7"), tmp_path / "z-copy.dcm")
    assert read_dicom([tmp_path]).left_out == {
        str(tmp_path / "IM7"): "not a DICOM file",
        str(tmp_path / "z-copy.dcm"): "a copy of another file",
    }


def test_a_rescale_that_erases_the_image_is_refused(tmp_path):
    save_series(tmp_path, (0, 5), RescaleSlope=0)
    with pytest.raises(PixelError, match="its RescaleSlope is 0, so all its values are equal; export"):
        read_dicom([tmp_path])


def test_missing_rescale_is_accepted_where_values_look_like_hu(tmp_path):
    stored = pattern().astype("<i2").tobytes()
    save(ct_slice(RescaleSlope=None, RescaleIntercept=None, PixelData=stored), tmp_path / "1")
    scan = read_dicom([tmp_path])
    np.testing.assert_array_equal(scan.voxels_hu[0], pattern())
    assert "1 slice(s) without rescale slope and intercept; taken as HU" in scan.warnings[1]


def test_missing_rescale_is_refused_elsewhere_unless_soft_tissue_tells(tmp_path):
    bony = pattern()
    bony[1:-1, 1:-1] = 900
    save(ct_slice(bony, RescaleSlope=None, RescaleIntercept=None), tmp_path / "1")
    with pytest.raises(PixelError, match=r"/1: values from 24 to 1924 are not Hounsfield units .*was something added"):
        read_dicom([tmp_path])
    save(ct_slice(RescaleSlope=None, RescaleIntercept=None), tmp_path / "1")
    np.testing.assert_array_equal(read_dicom([tmp_path]).voxels_hu[0], pattern())


def test_no_dicom_among_the_files(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(ScanNotFoundError, match=r"no CT found, none of 1 file\(s\) is a DICOM image; give a DICOM"):
        read_dicom([tmp_path])


def test_folder_of_nifti_says_so(tmp_path):
    (tmp_path / "scan.nii.gz").write_bytes(b"")
    with pytest.raises(ScanNotFoundError, match=r"no DICOM files, but NIfTI; .* such as .*scan.nii.gz"):
        read_dicom([tmp_path])


def test_messages_do_not_tell_the_patient(tmp_path):
    save_series(tmp_path, Modality="MR")
    with pytest.raises(ModalityError) as caught:
        read_dicom([tmp_path])
    assert "Secret" not in str(caught.value)
    assert "\n" not in str(caught.value)

import nibabel
import numpy as np
import pydicom
import pytest
from scans.dicom_files import save_series

from ichnos.errors import UsageError
from ichnos.scans.geometry import Geometry
from ichnos.scans.read import read_mask, read_scan
from ichnos.scans.scan import Mask, Scan
from ichnos.scans.write import write_dicom_series, write_labels, write_map, write_mask, write_nifti

GEOMETRY = Geometry.from_affine(np.array([[0.0, 0, -0.5, 9], [0, -0.7, 0, 8], [5, 0, 0, 7], [0, 0, 0, 1]]), (3, 4, 5))
HU = np.linspace(-1024, 2000, 60).reshape(GEOMETRY.shape).round().astype(np.float32)


def test_mask_is_uint8_on_the_grid_of_the_scan(tmp_path):
    save_series(tmp_path / "ct")
    scan = read_scan(tmp_path / "ct")
    mask = Mask(scan.voxels_hu > 500, scan.geometry, scan.source)
    assert write_mask(mask, str(tmp_path / "mask.nii.gz")) == ()
    image = nibabel.load(tmp_path / "mask.nii.gz")
    assert (image.shape, image.get_data_dtype()) == ((32, 24, 4), np.uint8)
    assert np.unique(np.asarray(image.dataobj)).tolist() == [0, 1]
    again = read_mask(tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(again.voxels, mask.voxels)
    assert again.volume_ml == pytest.approx(mask.volume_ml, rel=1e-6)


@pytest.mark.parametrize(("offset", "dtype"), [(0, np.int16), (0.5, np.float32), (40000, np.float32)])
def test_whole_hu_are_stored_as_int16(tmp_path, offset, dtype):
    hu = HU + np.float32(offset)
    hu[0, 0, 0] = -1000
    write_nifti(Scan(hu, GEOMETRY), tmp_path / "x.nii.gz")
    assert nibabel.load(tmp_path / "x.nii.gz").get_data_dtype() == dtype
    np.testing.assert_array_equal(read_scan(tmp_path / "x.nii.gz").voxels_hu, hu)


def test_dicom_series(tmp_path):
    files = write_dicom_series(Scan(HU, GEOMETRY), str(tmp_path / "ct"), description="d", patient_id="p")
    assert [path.name for path in files] == ["0001.dcm", "0002.dcm", "0003.dcm"]
    assert pydicom.dcmread(files[0]).PatientID == "p"
    np.testing.assert_array_equal(read_scan(tmp_path / "ct").voxels_hu, HU)


def test_a_map_lies_on_the_scans_grid(tmp_path):
    scan = Scan(HU, GEOMETRY)
    values = np.linspace(0, 1, scan.voxels_hu.size, dtype=np.float32).reshape(scan.voxels_hu.shape)
    assert write_map(values, scan, tmp_path / "map.nii.gz") == ()
    stored = np.asarray(nibabel.load(tmp_path / "map.nii.gz").dataobj)
    np.testing.assert_array_equal(stored, scan.source.turn.to_source(values))
    with pytest.raises(UsageError, match="does not lie on a scan of shape"):
        write_map(values[:1], scan, tmp_path / "map.nii.gz")


def test_labels_keep_their_numbers_on_the_scans_grid(tmp_path):
    scan = Scan(HU, GEOMETRY)
    labels = (np.arange(scan.voxels_hu.size) % 6).astype(np.uint8).reshape(scan.voxels_hu.shape)
    assert write_labels(labels, scan, tmp_path / "labels.nii.gz") == ()
    image = nibabel.load(tmp_path / "labels.nii.gz")
    assert image.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(image.dataobj), scan.source.turn.to_source(labels))
    with pytest.raises(UsageError, match="do not lie on a scan of shape"):
        write_labels(labels[:1], scan, tmp_path / "labels.nii.gz")

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from scans.dicom_files import ct_slice, save

from ichnos.errors import GeometryError, PixelError, UsageError
from ichnos.scans.dicom_writer import save_dicom_series
from ichnos.scans.geometry import Geometry
from ichnos.scans.scan import Scan

ANGLE = np.radians(20)
AFFINE = np.array([[0, 0, -0.5, 8], [0, -0.7 * np.cos(ANGLE), 0, 8.4], [5, -0.7 * np.sin(ANGLE), 0, 7], [0, 0, 0, 1]])
HU = np.random.default_rng(0).integers(-1024, 3000, (3, 24, 32)).astype(np.float32)
SCAN = Scan(HU, Geometry.from_affine(AFFINE, (3, 24, 32)))


def datasets(folder, scan=SCAN, **options):
    return [pydicom.dcmread(path) for path in save_dicom_series(scan, folder, **options)]


def test_pydicom_reads_the_same_hu_and_places(tmp_path):
    slices = datasets(tmp_path / "ct")
    for z, dataset in enumerate(slices):
        hu = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        np.testing.assert_array_equal(hu, HU[z])
        np.testing.assert_allclose(np.array(dataset.ImagePositionPatient, float), [-8, -8.4, 7 + 5 * z])
        np.testing.assert_allclose(
            np.array(dataset.ImageOrientationPatient, float), [1, 0, 0, 0, np.cos(ANGLE), -np.sin(ANGLE)], atol=1e-9
        )
        np.testing.assert_allclose(np.array(dataset.PixelSpacing, float), [0.7, 0.5])


def test_headers_are_those_of_a_ct_series_without_a_patient(tmp_path):
    slices = datasets(tmp_path, description="phantom", patient_id="p-1")
    assert len({dataset.SOPInstanceUID for dataset in slices}) == 3
    for keyword in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert len({dataset[keyword].value for dataset in slices}) == 1
    first = slices[0]
    assert (first.Modality, first.SOPClassUID.name, first.PatientPosition) == ("CT", "CT Image Storage", "HFS")
    assert (str(first.PatientName), first.PatientID, first.SeriesDescription) == ("", "p-1", "phantom")
    assert first.file_meta.TransferSyntaxUID.name == "Explicit VR Little Endian"
    assert [dataset.InstanceNumber for dataset in slices] == [1, 2, 3]


def test_same_input_same_bytes(tmp_path):
    one, two = (save_dicom_series(SCAN, tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


@pytest.mark.parametrize("other", [{"entropy": "2"}, {"scan": replace(SCAN, voxels_hu=HU + 1)}, {"patient_id": "x"}])
def test_other_input_other_identifiers(tmp_path, other):
    one, two = datasets(tmp_path / "a")[0], datasets(tmp_path / "b", **other)[0]
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        assert one[keyword].value != two[keyword].value


def test_fractions_are_rounded(tmp_path):
    scan = replace(SCAN, voxels_hu=HU + np.float32(0.4))
    np.testing.assert_array_equal(datasets(tmp_path, scan)[0].pixel_array - 1024.0, HU[0])


def test_odd_number_of_pixels(tmp_path):
    scan = Scan(np.zeros((1, 3, 5), np.float32), Geometry.from_affine(AFFINE, (1, 3, 5)))
    assert datasets(tmp_path, scan)[0].pixel_array.shape == (3, 5)


def test_folder_that_is_not_empty(tmp_path):
    save(ct_slice(), tmp_path / "1")
    with pytest.raises(UsageError, match="is not empty; a series needs a folder of its own"):
        save_dicom_series(SCAN, tmp_path)


@pytest.mark.parametrize("value", [-1025, 70000, np.nan])
def test_values_that_do_not_fit(tmp_path, value):
    hu = HU.copy()
    hu[0, 0, 0] = value
    with pytest.raises(PixelError, match="do not fit into DICOM's 16 bits"):
        save_dicom_series(replace(SCAN, voxels_hu=hu), tmp_path)


def test_rows_and_columns_that_are_not_square(tmp_path):
    sheared = AFFINE.copy()
    sheared[0, 1] = 0.1
    with pytest.raises(GeometryError, match=r"rows and columns meet at 81.87 degrees; DICOM needs a right angle"):
        save_dicom_series(Scan(HU, Geometry.from_affine(sheared, HU.shape)), tmp_path)

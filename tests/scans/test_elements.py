import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from scans.dicom_files import ct_slice, save

from ichnos.scans.elements import read_texts, read_whole

KEYWORDS = (
    *("SOPInstanceUID", "ImageType", "ImagePositionPatient", "PixelSpacing", "SeriesNumber", "SeriesDescription"),
    *("Rows", "BitsStored", "PixelPaddingValue", "RescaleSlope", "ConvolutionKernel", "NumberOfFrames", "Modality"),
)


def written(tmp_path, syntax=ExplicitVRLittleEndian, **changes):
    dataset = ct_slice(**changes)
    dataset.file_meta.TransferSyntaxUID = syntax
    return pydicom.dcmread(save(dataset, tmp_path / "1"))


def told_by_pydicom(dataset, keyword):
    value = dataset.get(keyword)
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, pydicom.multival.MultiValue) else (str(value),)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=lambda syntax: syntax.name)
def test_same_texts_as_pydicom(tmp_path, syntax):
    changes = {
        "ImageType": ["ORIGINAL", "PRIMARY ", "AXIAL"],
        "ImagePositionPatient": ["-8.50", "1e1", " 3"],
        "SeriesDescription": "Schädel \\ nativ ",
        "ConvolutionKernel": ["H31s", "3"],
        "PixelPaddingValue": -2000,
        "SpecificCharacterSet": "ISO_IR 100",
        "PixelSpacing": "",
    }
    dataset = written(tmp_path, syntax, **changes)
    expected = {keyword: told_by_pydicom(written(tmp_path, syntax, **changes), keyword) for keyword in KEYWORDS}
    assert {keyword: read_texts(dataset, keyword) for keyword in KEYWORDS} == expected
    assert {keyword: read_texts(dataset, keyword) for keyword in KEYWORDS} == expected  # nothing is used up
    assert expected["NumberOfFrames"] == ()


@pytest.mark.parametrize("signed", [0, 1])
def test_whole_numbers(tmp_path, signed):
    padding = -2000 if signed else 63536
    dataset = written(tmp_path, PixelRepresentation=signed, PixelPaddingValue=padding, Rows=24)
    assert (read_whole(dataset, "Rows"), read_whole(dataset, "PixelPaddingValue")) == (24, padding)
    assert read_whole(dataset, "HighBit") == 15
    assert read_whole(dataset, "NumberOfFrames") is None
    assert read_whole(dataset, "Modality") is None


def test_numbers_that_are_not_one(tmp_path):
    path = tmp_path / "1"
    save(ct_slice(), path)
    rows = bytes.fromhex("28001000") + b"US\2\0" + np.uint16(24).tobytes()
    content = path.read_bytes()
    assert rows in content
    path.write_bytes(content.replace(rows, bytes.fromhex("28001000") + b"US\4\0" + np.array([24, 25], "<u2").tobytes()))
    assert read_whole(pydicom.dcmread(path), "Rows") is None


def test_elements_that_were_set_by_hand():
    dataset = Dataset()
    dataset.Rows, dataset.ImageType = 5, ["A", "B"]
    assert read_whole(dataset, "Rows") == 5
    assert read_texts(dataset, "ImageType") == ("A", "B")
    assert read_texts(dataset, "Columns") == ()


def test_big_endian(tmp_path):
    dataset = ct_slice()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRBigEndian
    dataset["PixelData"].VR = "OW"
    dataset.save_as(tmp_path / "1", implicit_vr=False, little_endian=False, enforce_file_format=True)
    assert read_whole(pydicom.dcmread(tmp_path / "1"), "Rows") == 24

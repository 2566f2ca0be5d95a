from dataclasses import replace

import numpy as np
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)
from scans.dicom_files import ct_slice, enhanced, pattern, save

from ichnos.errors import PixelError
from ichnos.scans.dicom_headers import read_headers
from ichnos.scans.inputs import input_files
from ichnos.scans.pixel_format import PixelFormat, describe_format
from ichnos.scans.pixels import read_voxels

HU = pattern(36, 40, seed=3)


def header_of(path):
    with input_files([path]) as files:
        headers, _ = read_headers(files)
    return headers[0]


def by_both_ways(path):
    """Voxels read where the header says that the pixels lie, and decoded by pydicom."""
    header = header_of(path)
    assert header.plain_pixels is not None
    return read_voxels([header]), read_voxels([replace(header, plain_pixels=None)])


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize(("bits", "high_bit"), [(16, 15), (12, 11), (12, 15), (13, 13)])
def test_plain_pixels_are_what_pydicom_decodes(tmp_path, syntax, signed, bits, high_bit):
    noise = np.random.default_rng(0).integers(0, 2**16, HU.shape).astype("<u2")
    changes = {"PixelRepresentation": signed, "BitsStored": bits, "HighBit": high_bit, "RescaleSlope": 2}
    dataset = ct_slice(HU, PixelData=noise.tobytes(), PixelPaddingValue=-2000 if signed else 63536, **changes)
    dataset.file_meta.TransferSyntaxUID = syntax
    plain, decoded = by_both_ways(save(dataset, tmp_path / "1"))
    np.testing.assert_array_equal(plain, decoded)
    values = (noise.astype(int) >> (high_bit + 1 - bits)) % 2**bits
    values = np.where(signed & (values >= 2 ** (bits - 1)), values - 2**bits, values)
    is_padding = noise == 63536
    expected = np.where(
        is_padding | (values == (-2000 if signed else 63536)), -1024, np.maximum(values * 2 - 1024, -1024)
    )
    np.testing.assert_array_equal(plain[0], expected)


def test_plain_pixels_lie_where_the_header_says(tmp_path):
    path = save(ct_slice(HU), tmp_path / "1")
    offset = header_of(path).plain_pixels.offset
    assert path.read_bytes()[offset : offset + HU.size * 2] == (HU + 1024).astype("<i2").tobytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"NumberOfFrames": 2},
        {"PhotometricInterpretation": "PALETTE COLOR"},
        {"PhotometricInterpretation": None},
        {"SamplesPerPixel": 3},
        {"SamplesPerPixel": None},
        {"BitsAllocated": 8},
        {"BitsAllocated": 32},
        {"BitsStored": 17},
        {"BitsStored": 0},
        {"PixelRepresentation": 2},
        {"PixelRepresentation": None},
        {"Rows": 35},
        {"Rows": 37},
        {"PixelData": None},
    ],
    ids=str,
)
def test_what_is_odd_is_left_to_pydicom(tmp_path, changes):
    assert header_of(save(ct_slice(HU, **changes), tmp_path / "1")).plain_pixels is None


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_pixels_are_left_to_pydicom(tmp_path, syntax):
    dataset = ct_slice(HU, PixelRepresentation=0)
    dataset.compress(syntax)
    assert header_of(save(dataset, tmp_path / "1")).plain_pixels is None


@pytest.mark.parametrize(
    "syntax", [DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian], ids=lambda syntax: syntax.name
)
def test_other_encodings_are_left_to_pydicom(tmp_path, syntax):
    dataset = ct_slice(HU, BitsStored=12, HighBit=11)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset["PixelData"].VR = "OW"
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = (HU + 1024).astype(">i2").tobytes()
    dataset.save_as(tmp_path / "1", implicit_vr=False, little_endian=syntax.is_little_endian, enforce_file_format=True)
    header = header_of(tmp_path / "1")
    assert header.plain_pixels is None
    np.testing.assert_array_equal(read_voxels([header])[0], HU)


def test_frames_of_a_multi_frame_file_are_left_to_pydicom(tmp_path):
    assert header_of(save(enhanced([HU], [(0, 0, 1)]), tmp_path / "1")).plain_pixels is None


def test_corrupt_description_of_a_series_that_is_not_chosen_is_no_error(tmp_path):
    path = save(ct_slice(HU, NumberOfFrames="1"), tmp_path / "1")
    path.write_bytes(path.read_bytes().replace(b"IS\2\0001 ", b"IS\2\000x "))
    header = header_of(path)
    assert header.plain_pixels is None
    with pytest.raises(PixelError, match=r"1: pixel data cannot be decoded"):
        read_voxels([header])


def test_format_of_a_header():
    dataset = ct_slice(HU, BitsStored=12, HighBit=13, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-2010)
    assert describe_format(dataset) == PixelFormat(bits=12, shift=2, is_signed=True, padding=(-2010, -2000))
    dataset.PixelRepresentation = 0
    assert describe_format(dataset) == PixelFormat(bits=12, shift=2, is_signed=False, padding=(63526, 63536))
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless  # which gives values, not cells
    assert describe_format(dataset).shift == 0


@pytest.mark.parametrize(("high_bit", "shift"), [(None, 0), (10, 0), (11, 0), (15, 4), (20, 4)])
def test_high_bit_that_leaves_no_room_is_not_believed(high_bit, shift):
    assert describe_format(ct_slice(HU, BitsStored=12, HighBit=high_bit)).shift == shift


def test_header_without_format():
    with pytest.raises(ValueError, match="BitsStored"):
        describe_format(ct_slice(HU, BitsStored=None))


def test_file_that_became_shorter_is_told_by_pydicom(tmp_path):
    path = save(ct_slice(HU), tmp_path / "1")
    header = header_of(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PixelError, match="cut short"):
        read_voxels([header])

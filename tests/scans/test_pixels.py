import gdcm
import numpy as np
import pytest
from pydicom.uid import JPEG2000, JPEG2000Lossless, JPEGLSLossless, JPEGLSNearLossless, RLELossless
from scans.dicom_files import ct_slice, enhanced, pattern, save

from ichnos.errors import PixelError
from ichnos.scans.dicom_headers import read_headers
from ichnos.scans.inputs import input_files
from ichnos.scans.pixels import read_voxels

HU = pattern(36, 40, seed=3)  # JPEG 2000 needs 32 at least


def voxels(path):
    with input_files([path]) as files:
        headers, _ = read_headers(files)
        return read_voxels(headers)


def cells(values, dtype="<u2"):
    return np.asarray(values).astype(dtype).tobytes()


def test_plain(tmp_path):
    read = voxels(save(ct_slice(HU), tmp_path / "1"))
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, HU[None])


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless], ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("signed", [0, 1])
def test_lossless_compression(tmp_path, syntax, signed):
    dataset = ct_slice(HU, PixelRepresentation=signed, BitsStored=12, HighBit=11)
    dataset.RescaleIntercept = -1024 if not signed else 0
    dataset.PixelData = cells(HU + 1024) if not signed else cells(HU, "<i2")
    dataset.compress(syntax)
    np.testing.assert_array_equal(voxels(save(dataset, tmp_path / "1"))[0], HU)


@pytest.mark.parametrize(("syntax", "options"), [(JPEGLSNearLossless, {"jls_error": 2}), (JPEG2000, {"j2k_cr": [2]})])
def test_lossy_compression(tmp_path, syntax, options):
    dataset = ct_slice(HU, PixelRepresentation=0, BitsStored=12, HighBit=11)
    dataset.compress(syntax, **options)
    np.testing.assert_allclose(voxels(save(dataset, tmp_path / "1"))[0], HU, atol=60)


@pytest.mark.parametrize("process", ["JPEGLosslessProcess14", "JPEGLosslessProcess14_1"])
def test_jpeg_lossless(tmp_path, process):
    path = save(ct_slice(HU, PixelRepresentation=0), tmp_path / "1")
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, process)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    np.testing.assert_array_equal(voxels(path)[0], HU)


def test_unsigned_12_bits_with_overlay_in_the_upper_bits(tmp_path):
    overlay = (np.arange(HU.size).reshape(HU.shape) % 16) << 12
    dataset = ct_slice(HU, PixelRepresentation=0, BitsStored=12, HighBit=11, PixelData=cells((HU + 1024) | overlay))
    np.testing.assert_array_equal(voxels(save(dataset, tmp_path / "1"))[0], HU)


def test_signed_12_bits_without_sign_extension(tmp_path):
    dataset = ct_slice(HU, BitsStored=12, HighBit=11, RescaleIntercept=0, PixelData=cells(HU & 0xFFF))
    np.testing.assert_array_equal(voxels(save(dataset, tmp_path / "1"))[0], HU)


def test_high_bit_at_the_top_of_the_cell(tmp_path):
    dataset = ct_slice(HU, PixelRepresentation=0, BitsStored=12, HighBit=15, PixelData=cells((HU + 1024) << 4))
    np.testing.assert_array_equal(voxels(save(dataset, tmp_path / "1"))[0], HU)


def test_full_unsigned_16_bits(tmp_path):
    dataset = ct_slice(HU, PixelRepresentation=0, RescaleIntercept=-32768, PixelData=cells(HU + 32768))
    np.testing.assert_array_equal(voxels(save(dataset, tmp_path / "1"))[0], HU)


def test_rescale_is_per_slice(tmp_path):
    save(ct_slice(HU, z=0), tmp_path / "1")
    save(ct_slice(HU, z=5, RescaleSlope=0.5, RescaleIntercept=-10.25), tmp_path / "2")
    read = voxels(tmp_path)
    np.testing.assert_array_equal(read[0], HU)
    np.testing.assert_allclose(read[1], (HU + 1024) * 0.5 - 10.25)


def test_values_below_air_become_air_and_nothing_else_changes(tmp_path):
    hu = HU.copy()
    hu[0, :4] = [-1024, -1025, -3000, 31000]
    np.testing.assert_array_equal(voxels(save(ct_slice(hu), tmp_path / "1"))[0, 0, :4], [-1024, -1024, -1024, 31000])


@pytest.mark.parametrize(
    ("signed", "padding", "limit", "cell"),
    [
        (1, -2000, None, -2000),
        (1, -2000, -1990, -1995),
        (1, -1990, -2000, -1995),
        (0, 63536, None, 63536),
        (0, 4000, 4095, 4050),
    ],
)
def test_padding_becomes_air(tmp_path, signed, padding, limit, cell):
    stored = HU + 1024
    stored[5, 5] = cell
    dataset = ct_slice(HU, PixelRepresentation=signed, RescaleSlope=-1 if signed else 1, PixelPaddingValue=padding)
    dataset.RescaleIntercept = 3000
    dataset.PixelData = cells(stored, "<i2" if signed else "<u2")
    if limit is not None:
        dataset.PixelPaddingRangeLimit = limit
    read = voxels(save(dataset, tmp_path / "1"))[0]
    assert read[5, 5] == -1024
    assert (read == -1024).sum() == 1


def test_padding_that_tissue_has_too_counts_only_at_the_edge(tmp_path):
    hu = HU.copy()
    hu[:6, :6], hu[20, 20] = 40, 40
    hu[7, 7] = 40  # touches nothing
    read = voxels(save(ct_slice(hu, PixelPaddingValue=1064), tmp_path / "1"))[0]
    assert (read[1:6, 1:6] == -1024).all()
    assert (read[20, 20], read[7, 7]) == (40, 40)


def test_file_that_changes_under_our_hands(tmp_path):
    path = save(ct_slice(HU), tmp_path / "1")
    with input_files([path]) as files:
        headers, _ = read_headers(files)
    path.write_bytes(b"something else")
    with pytest.raises(PixelError, match=r"1: pixel data cannot be decoded.*header not readable"):
        read_voxels(headers)


@pytest.mark.parametrize("implicit", [True, False])
def test_bare_file_without_any_file_header(tmp_path, implicit):
    dataset = ct_slice(HU)
    del dataset.file_meta
    dataset.save_as(tmp_path / "1", implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    np.testing.assert_array_equal(voxels(tmp_path / "1")[0], HU)


def test_padding_outside_the_stored_bits(tmp_path):
    stored = (HU + 1024) & 0xFFF
    stored[5, 5] = 0xF830  # -2000 in 16 bits, in a file that says 12 bits unsigned
    dataset = ct_slice(HU, PixelRepresentation=0, BitsStored=12, HighBit=11, PixelData=cells(stored))
    dataset.PixelPaddingValue = 63536
    read = voxels(save(dataset, tmp_path / "1"))[0]
    assert read[5, 5] == -1024
    assert read[5, 6] == HU[5, 6]


def test_enhanced_frames(tmp_path):
    images = [pattern(seed=seed) for seed in range(3)]
    path = save(enhanced(images, [(0, 0, z) for z in (0, 5, 10)]), tmp_path / "1")
    np.testing.assert_array_equal(voxels(path), images)


def test_odd_number_of_bytes_is_no_trouble(tmp_path):
    hu = pattern(5, 7)
    np.testing.assert_array_equal(voxels(save(ct_slice(hu), tmp_path / "1"))[0], hu)


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


@pytest.mark.parametrize("syntax", [None, RLELossless, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize("share", [0.9, 0.6])
def test_pixels_cut_short(tmp_path, syntax, share, capfd):
    dataset = ct_slice(np.random.default_rng(0).integers(0, 4000, (64, 64)), PixelRepresentation=0)
    if syntax:
        dataset.compress(syntax)
    path = cut(save(dataset, tmp_path / "1.dcm"), share)
    with pytest.raises(PixelError, match=r"1.dcm: pixel data cannot be decoded, it is cut short.*copy the file again"):
        voxels(path)
    assert capfd.readouterr() == ("", "")


def test_no_pixels(tmp_path):
    with pytest.raises(PixelError, match=r"1: pixel data cannot be decoded"):
        voxels(save(ct_slice(PixelData=None), tmp_path / "1"))


def test_corrupt_compressed_pixels(tmp_path):
    dataset = ct_slice(HU, PixelRepresentation=0)
    dataset.compress(JPEG2000Lossless)
    dataset.PixelData = dataset.PixelData[:20] + bytes(len(dataset.PixelData) - 20)
    with pytest.raises(PixelError, match=r"1: pixel data cannot be decoded"):
        voxels(save(dataset, tmp_path / "1"))

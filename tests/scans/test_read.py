"""`read_scan` and `read_mask` as a user meets them, and the one promise that all readers share."""

import contextlib
import subprocess
import sys
import time
import zipfile
from itertools import permutations, product
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scans.dicom_files import ct_slice, enhanced, pattern, save, save_series, tilted

from ichnos.errors import (
    ArchiveError,
    GeometryError,
    MaskFileError,
    ModalityError,
    PixelError,
    ScanError,
    ScanNotFoundError,
    UsageError,
)
from ichnos.scans.read import read_mask, read_scan
from ichnos.scans.scan import Mask
from ichnos.scans.write import write_dicom_series, write_mask, write_nifti

EVEN = tuple(5.0 * z for z in range(8))
UNEVEN = tuple([4.22 * z for z in range(4)] + [12.66 + 1.14 + 7.38 * z for z in range(4)])
SHAPES = {"straight": (EVEN, 0.0), "tilted": (EVEN, 18.5), "tilted and uneven": (UNEVEN, 18.5), "uneven": (UNEVEN, 0.0)}
BLEED_HU = 3000


class Truth:
    """A blob in a DICOM series, measured here by hand and independently of the room."""

    def __init__(self, folder, heights, degrees):
        self.folder, self.degrees = folder, degrees
        self.images, self.positions = [], [(-8.0, -8.4, height) for height in heights]
        self.orientation = tilted(degrees)
        rows, columns = np.mgrid[:24, :32]
        for z, height in enumerate(heights):
            image = pattern(seed=z)
            radius = ((rows - 13) * 0.7) ** 2 + ((columns - 11) * 0.5) ** 2 + ((height - 17) / 3) ** 2
            image[radius < 25] = BLEED_HU
            self.images.append(image)
            save(ct_slice(image, z=height, orientation=self.orientation), folder / f"{(z * 5) % 8}")
        self._measure(np.array(heights))

    def _measure(self, heights):
        along_row, along_column = np.array(self.orientation).reshape(2, 3)
        depths = heights * np.cross(along_row, along_column)[2]
        gaps = np.diff(depths)
        extents = (np.r_[gaps[0], gaps] + np.r_[gaps, gaps[-1]]) / 2
        points, weights = [], []
        for z, image in enumerate(self.images):
            for row, column in np.argwhere(image == BLEED_HU):
                point = np.array(self.positions[z]) + column * 0.5 * along_row + row * 0.7 * along_column
                points.append(point * [-1, -1, 1])
                weights.append(0.35 * extents[z] / 1000)
        self.volume_ml = sum(weights)
        self.centroid_mm = np.average(points, axis=0, weights=weights)

    def holds_for(self, scan):
        bleed = Mask(scan.voxels_hu > 2500, scan.geometry, scan.source)
        self.holds_for_mask(bleed)
        return bleed

    def holds_for_mask(self, bleed):
        np.testing.assert_allclose(bleed.centroid_mm, self.centroid_mm, atol=1e-3)  # promised: 0.1 mm
        assert bleed.volume_ml == pytest.approx(self.volume_ml, rel=1e-5)  # promised: 0.5 %


@pytest.fixture(params=SHAPES)
def truth(request, tmp_path):
    return Truth(tmp_path / "ct", *SHAPES[request.param])


def test_dicom_in_every_packing_keeps_the_bleed_in_place(truth, tmp_path):
    files = sorted(truth.folder.iterdir(), reverse=True)
    with zipfile.ZipFile(tmp_path / "ct.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, f"study/{file.name}")
    multi = save(enhanced(truth.images[::-1], truth.positions[::-1], orientation=truth.orientation), tmp_path / "multi")
    for path in (truth.folder, str(truth.folder), files, [str(file) for file in files], tmp_path / "ct.zip", multi):
        truth.holds_for(read_scan(path))


@pytest.mark.parametrize(
    ("along_row", "along_column"),
    [(row * i, column * j) for row, column in [(1, 2), (2, 1)] for i in (1, -1) for j in (1, -1)],
)
def test_dicom_images_stored_in_every_way_round_keep_the_bleed_in_place(truth, tmp_path, along_row, along_column):
    """Flip and transpose the stored images, and say so in position and orientation."""
    axes = {1: np.array(truth.orientation[:3]), 2: np.array(truth.orientation[3:])}
    lengths = {1: 31 * 0.5, 2: 23 * 0.7}
    for z, (image, position) in enumerate(zip(truth.images, truth.positions, strict=True)):
        corner, orientation = np.array(position), []
        stored = image if abs(along_row) == 1 else image.T
        for array_axis, axis in ((1, along_row), (0, along_column)):
            direction = axes[abs(axis)] * np.sign(axis)
            if axis < 0:
                corner, stored = corner - lengths[abs(axis)] * direction, np.flip(stored, array_axis)
            orientation += list(direction)
        spacing = [0.7, 0.5] if abs(along_row) == 1 else [0.5, 0.7]
        dataset = ct_slice(
            stored, position=tuple(corner.round(10)), orientation=tuple(orientation), PixelSpacing=spacing
        )
        save(dataset, tmp_path / "turned" / str(z))
    bleed = truth.holds_for(read_scan(tmp_path / "turned"))
    write_mask(bleed, tmp_path / "mask.nii.gz")
    truth.holds_for_mask(read_mask(tmp_path / "mask.nii.gz"))


@pytest.mark.parametrize("shape", ["straight", "tilted"])
def test_nifti_in_every_axis_order_and_flip_keeps_the_bleed_in_place(tmp_path, shape):
    truth = Truth(tmp_path / "ct", *SHAPES[shape])
    affine = np.eye(4)
    affine[:3, 0] = np.array(truth.orientation[:3]) * 0.5 * [-1, -1, 1]
    affine[:3, 1] = np.array(truth.orientation[3:]) * 0.7 * [-1, -1, 1]
    affine[:3, 2] = [0, 0, 5]
    affine[:3, 3] = np.array(truth.positions[0]) * [-1, -1, 1]
    image = nibabel.Nifti1Image(np.array(truth.images, np.int16).transpose(2, 1, 0), affine)
    for axes, signs in product(permutations(range(3)), product([1, -1], repeat=3)):
        turned = image.as_reoriented(np.stack([axes, signs], axis=1))
        nibabel.save(turned, tmp_path / "scan.nii")
        bleed = truth.holds_for(read_scan(tmp_path / "scan.nii"))
        write_mask(bleed, tmp_path / "mask.nii.gz")
        truth.holds_for_mask(read_mask(tmp_path / "mask.nii.gz"))
        written = nibabel.load(tmp_path / "mask.nii.gz")
        np.testing.assert_array_equal(written.affine, nibabel.load(tmp_path / "scan.nii").affine)
        np.testing.assert_array_equal(np.asarray(written.dataobj), np.asarray(turned.dataobj) == BLEED_HU)


def test_what_we_write_keeps_the_bleed_in_place(truth, tmp_path):
    scan = read_scan(truth.folder)
    bleed = truth.holds_for(scan)
    lines = write_nifti(scan, tmp_path / "scan.nii.gz")
    assert bool(lines) is not scan.geometry.is_affine
    again = read_scan(tmp_path / "scan.nii.gz")
    truth.holds_for(again)
    np.testing.assert_array_equal(again.voxels_hu, scan.voxels_hu)
    write_mask(bleed, tmp_path / "mask.nii.gz")
    truth.holds_for_mask(read_mask(tmp_path / "mask.nii.gz"))
    write_nifti(again, tmp_path / "twice.nii.gz")
    truth.holds_for(read_scan(tmp_path / "twice.nii.gz"))
    write_dicom_series(again, tmp_path / "written")
    truth.holds_for(read_scan(tmp_path / "written"))


def test_single_file(tmp_path):
    scan = read_scan(save(ct_slice(z=3), tmp_path / "1"))
    assert scan.geometry.shape == (1, 24, 32)
    assert "only one slice" in scan.warnings[0]


def test_series_and_strict_are_passed_on(tmp_path):
    save_series(tmp_path, (0, 5, 10, 20), series="1")
    save_series(tmp_path, (0, 5), series="2")
    assert len(read_scan(tmp_path, series="2").voxels_hu) == 2
    with pytest.raises(GeometryError, match="slices seem to be missing"):
        read_scan(tmp_path, series="1", strict=True)


def test_nifti_values_below_air_become_air(tmp_path):
    values = np.full((4, 4, 4), 40, np.int16)
    values[0, 0, :3] = [-3024, -1000, 900]
    nibabel.save(nibabel.Nifti1Image(values, np.diag([-1.0, -1, 5, 1])), tmp_path / "x.nii")
    assert read_scan(tmp_path / "x.nii").voxels_hu[:3, 0, 0].tolist() == [-1024, -1000, 900]


def test_mask_of_any_values(tmp_path):
    values = np.zeros((4, 4, 4), np.float32)
    values[1, 2, 3] = 0.5
    nibabel.save(nibabel.Nifti1Image(values, np.diag([-1.0, -1, 5, 1])), tmp_path / "x.nii")
    assert np.argwhere(read_mask(str(tmp_path / "x.nii")).voxels).tolist() == [[3, 2, 1]]


def bad_zip(folder):
    (folder / "x.zip").write_bytes(b"no zip")
    return folder / "x.zip"


def windowed_nifti(folder):
    values = np.full((8, 8, 4), 255, np.uint8)
    values[2:6, 2:6] = 95
    values[0] = 0
    nibabel.save(nibabel.Nifti1Image(values, np.diag([-1.0, -1, 5, 1])), folder / "x.nii")
    return folder / "x.nii"


def cut_slice(folder):
    save_series(folder)
    path = next(folder.iterdir())
    path.write_bytes(path.read_bytes()[:-100])
    return folder


def made(folder, **options):
    save_series(folder, **options)
    return folder


BAD_INPUTS = {
    "missing path": (lambda folder: folder / "none", ScanNotFoundError, "no such file or folder"),
    "no files": (lambda folder: [], ScanNotFoundError, "no files given"),
    "empty folder": (lambda folder: folder, ScanNotFoundError, "the folder is empty"),
    "not a zip": (bad_zip, ArchiveError, "not a zip file"),
    "MR": (lambda folder: made(folder, Modality="MR"), ModalityError, "modality MR"),
    "scout": (lambda folder: made(folder, SeriesDescription="Scout"), ModalityError, "localizer"),
    "cut short": (cut_slice, PixelError, "cut short"),
    "windowed": (windowed_nifti, PixelError, "not Hounsfield units .soft tissue in the skull is at 95"),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_is_told_in_one_line_that_names_no_patient(tmp_path, name):
    make, kind, message = BAD_INPUTS[name]
    with pytest.raises(kind, match=message) as caught:
        read_scan(make(tmp_path))
    assert "\n" not in str(caught.value)
    assert "Secret" not in str(caught.value)


@pytest.mark.parametrize("multi_frame", [False, True])
def test_a_file_cut_anywhere_is_told_as_a_scan_error(tmp_path, multi_frame):
    dataset = enhanced([pattern()] * 2, [(0, 0, 0), (0, 0, 5)]) if multi_frame else ct_slice()
    content = save(dataset, tmp_path / "x.dcm").read_bytes()
    for length in range(0, len(content), 37):
        (tmp_path / "x.dcm").write_bytes(content[:length])
        with pytest.raises(ScanError):
            read_scan(tmp_path / "x.dcm")


@pytest.mark.parametrize("multi_frame", [False, True])
def test_a_file_with_wrong_bytes_is_read_or_told_as_our_error(tmp_path, multi_frame):
    dataset = enhanced([pattern()] * 2, [(0, 0, 0), (0, 0, 5)]) if multi_frame else ct_slice()
    content = save(dataset, tmp_path / "x.dcm").read_bytes()
    header_length = content.index(b"\xe0\x7f\x10\x00") + 12
    generator = np.random.default_rng(0)
    for _ in range(150):
        changed = bytearray(content)
        for place in generator.integers(0, header_length, 3):
            changed[place] = generator.integers(256)
        (tmp_path / "x.dcm").write_bytes(changed)
        with contextlib.suppress(ScanError):
            read_scan(tmp_path / "x.dcm")


def test_unknown_series_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="no series '7'"):
        read_scan(made(tmp_path), series="7")


def test_reading_needs_no_torch():
    code = "import sys, ichnos.scans; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_real_tilted_head(real_data: Path):
    start = time.perf_counter()
    scan = read_scan(real_data / "real-head-ct" / "ge-tilted", strict=True)
    assert time.perf_counter() - start < 2
    assert scan.voxels_hu.shape == (28, 512, 512)
    assert scan.voxels_hu.min() == -1024
    assert scan.geometry.tilt_degrees == pytest.approx(18.5, abs=1e-3)
    expected = np.array([4.22] * 13 + [1.14] + [7.38] * 13) * np.cos(np.radians(18.5))
    np.testing.assert_allclose(scan.geometry.gaps_mm, expected, atol=0.01)
    assert scan.warnings == ()


def test_real_tilted_head_through_nifti(real_data: Path, tmp_path):
    scan = read_scan(real_data / "real-head-ct" / "ge-tilted")
    bone = Mask(scan.voxels_hu > 300, scan.geometry, scan.source)
    (line,) = write_mask(bone, tmp_path / "bone.nii.gz")
    assert "unevenly spaced (1.08 to 7.00 mm)" in line
    again = read_mask(tmp_path / "bone.nii.gz")
    np.testing.assert_array_equal(again.voxels, bone.voxels)
    np.testing.assert_allclose(again.centroid_mm, bone.centroid_mm, atol=1e-4)
    assert again.volume_ml == pytest.approx(bone.volume_ml, rel=1e-6)


def test_other_real_headers(real_data: Path):
    geometry = real_data / "geometry"
    assert read_scan(geometry / "gantrytilting" / "001").geometry.tilt_degrees == pytest.approx(14)
    for folder, gaps in (("001", [5, 5, 10]), ("002", [0.7497, 0.7497, 1.4994])):
        scan = read_scan(geometry / "sliceincrement" / folder)
        np.testing.assert_allclose(scan.geometry.gaps_mm, gaps, atol=1e-3)
        assert "slices seem to be missing between" in scan.warnings[0]
    with pytest.raises(GeometryError, match=r"lie at the same position .*3 such pairs"):
        read_scan(geometry / "notavolume" / "001")


@pytest.mark.parametrize("largest", [1, 5])
def test_a_mask_is_told_from_a_scan(tmp_path, largest):
    labels = (np.arange(64) % (largest + 1)).astype(np.uint8).reshape(4, 4, 4)
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([-1.0, -1, 5, 1])), tmp_path / "x.nii")
    with pytest.raises(MaskFileError, match=rf"from 0 to {largest} only: a mask, not a scan$"):
        read_scan(tmp_path / "x.nii")

from dataclasses import replace
from itertools import permutations, product

import nibabel
import numpy as np
import pytest

from ichnos.errors import UsageError
from ichnos.scans.geometry import Geometry
from ichnos.scans.nifti import load_nifti
from ichnos.scans.nifti_writer import save_nifti
from ichnos.scans.scan import IMAGE_ORDER, Source, Turn

STRAIGHT = Geometry.from_affine(np.array([[0.0, 0, -0.5, 9], [0, -0.75, 0, 8], [5, 0, 0, 7], [0, 0, 0, 1]]), (3, 4, 5))
TILTED = Geometry.from_affine(np.array([[0.0, 0, -0.5, 9], [0, -0.7, 0, 8], [5, -0.2, 0, 7], [0, 0, 0, 1]]), (3, 4, 5))
UNEVEN = replace(TILTED, origins_mm=TILTED.origins_mm + np.array([[0], [1.25], [0]]) * [0, 0, 1])
VOXELS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
ALL_TURNS = [Turn(axes, flips) for axes in permutations(range(3)) for flips in product([False, True], repeat=3)]


def test_nibabel_sees_column_row_slice_in_ras(tmp_path):
    assert save_nifti(VOXELS, STRAIGHT, Source(), tmp_path / "x.nii.gz") == ()
    image = nibabel.load(tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(np.asarray(image.dataobj), VOXELS.transpose(2, 1, 0))
    np.testing.assert_allclose(image.affine @ [4, 3, 2, 1], [9 - 2, 8 - 2.25, 7 + 10, 1])
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 1)
    np.testing.assert_allclose(image.get_qform(), image.affine, atol=1e-5)
    assert image.header.get_xyzt_units()[0] == "mm"
    np.testing.assert_allclose(image.header.get_zooms(), [0.5, 0.75, 5])


def test_shear_goes_into_the_sform_only(tmp_path):
    save_nifti(VOXELS, TILTED, Source(), tmp_path / "x.nii")
    image = nibabel.load(tmp_path / "x.nii")
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 0)
    np.testing.assert_allclose(load_nifti(tmp_path / "x.nii").geometry.origins_mm, TILTED.origins_mm, atol=1e-5)


def test_affine_of_a_nifti_source_is_kept_to_the_bit(tmp_path):
    affine = IMAGE_ORDER.source_affine(TILTED).astype(np.float32).astype(np.float64)
    affine[0, 0] = np.nextafter(np.float32(affine[0, 0]), np.float32(0))
    save_nifti(VOXELS, TILTED, Source(kind="nifti", affine=affine), tmp_path / "x.nii")
    np.testing.assert_array_equal(nibabel.load(tmp_path / "x.nii").affine, affine)


def test_affine_that_no_longer_fits_is_not_used(tmp_path):
    save_nifti(VOXELS, TILTED, Source(kind="nifti", affine=np.eye(4)), tmp_path / "x.nii")
    np.testing.assert_allclose(nibabel.load(tmp_path / "x.nii").affine, IMAGE_ORDER.source_affine(TILTED), atol=1e-5)


@pytest.mark.parametrize("turn", ALL_TURNS, ids=str)
def test_every_grid_reads_back_the_same(tmp_path, turn):
    save_nifti(VOXELS, TILTED, Source(turn=turn), tmp_path / "x.nii")
    image = load_nifti(tmp_path / "x.nii")
    assert image.turn == turn
    np.testing.assert_array_equal(image.turn.to_canonical(image.stored), VOXELS)
    np.testing.assert_allclose(image.geometry.origins_mm, TILTED.origins_mm, atol=1e-5)


@pytest.mark.parametrize("turn", [turn for turn in ALL_TURNS if turn.axes[0] == 2], ids=str)
def test_uneven_slices_read_back_exactly(tmp_path, turn):
    (line,) = save_nifti(VOXELS, UNEVEN, Source(turn=turn), tmp_path / "x.nii.gz")
    assert "unevenly spaced (3.61 to 6.01 mm), which NIfTI cannot represent" in line
    assert "true positions are in x.json beside it" in line
    image = load_nifti(tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(image.turn.to_canonical(image.stored), VOXELS)
    np.testing.assert_allclose(image.geometry.origins_mm, UNEVEN.origins_mm, atol=1e-6)


def test_uneven_slices_along_another_axis_are_refused(tmp_path):
    with pytest.raises(UsageError, match="only be written along the third NIfTI axis"):
        save_nifti(VOXELS, UNEVEN, Source(turn=ALL_TURNS[0]), tmp_path / "x.nii")


def test_even_slices_take_stale_positions_away(tmp_path):
    save_nifti(VOXELS, UNEVEN, Source(), tmp_path / "x.nii")
    assert save_nifti(VOXELS, STRAIGHT, Source(), tmp_path / "x.nii") == ()
    assert not (tmp_path / "x.json").exists()


def test_same_input_same_bytes(tmp_path):
    for name in ("a.nii.gz", "b.nii.gz"):
        save_nifti(VOXELS, STRAIGHT, Source(), tmp_path / "new" / name)
    assert (tmp_path / "new" / "a.nii.gz").read_bytes() == (tmp_path / "new" / "b.nii.gz").read_bytes()


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"x.png: a NIfTI file must end in .nii or .nii.gz"):
        save_nifti(VOXELS, STRAIGHT, Source(), tmp_path / "x.png")

import gzip
import json

import nibabel
import numpy as np
import pytest

from ichnos.errors import GeometryError, ModalityError, PixelError, ScanNotFoundError
from ichnos.scans.nifti import is_nifti, load_nifti, read_header
from ichnos.scans.scan import IMAGE_ORDER

AFFINE = np.array([[-0.5, 0, 0, 9], [0, -0.75, 0, 8], [0, 0.25, 5, 7], [0, 0, 0, 1]])
VALUES = np.random.default_rng(0).integers(-1000, 1500, (5, 4, 3)).astype(np.int16)


def save(path, values=VALUES, affine=AFFINE, *, sform=1, qform=0, **header):
    image = nibabel.Nifti1Image(values, affine)
    image.set_qform(np.eye(4) if qform == 0 else affine, qform, update_affine=False)
    image.set_sform(affine, sform, update_affine=False)
    for key, value in header.items():
        image.header[key] = value
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
def test_values_and_affine_are_kept_to_the_bit(tmp_path, name):
    image = load_nifti(save(tmp_path / name))
    np.testing.assert_array_equal(image.stored, VALUES)
    np.testing.assert_array_equal(image.affine, AFFINE)
    assert image.turn == IMAGE_ORDER
    np.testing.assert_allclose(image.geometry.origins_mm[2], [9, 8, 17])


def test_scale_is_applied(tmp_path):
    path = save(tmp_path / "x.nii")
    content = bytearray(path.read_bytes())
    content[112:120] = np.array([2.0, -5.0], "<f4").tobytes()
    path.write_bytes(content)
    np.testing.assert_allclose(load_nifti(path).stored, VALUES * 2.0 - 5)


def test_qform_alone_is_enough(tmp_path):
    affine = np.diag([-0.5, -0.75, 5, 1])
    np.testing.assert_allclose(load_nifti(save(tmp_path / "x.nii", affine=affine, sform=0, qform=1)).affine, affine)


def test_fourth_axis_of_one_is_dropped(tmp_path):
    assert load_nifti(save(tmp_path / "x.nii", VALUES[..., None])).stored.shape == (5, 4, 3)


def test_endings():
    from pathlib import Path

    assert [is_nifti(Path(name)) for name in ("x.NII", "x.nii.gz", "x.gz", "nii")] == [True, True, False, False]


def test_positions_beside_it_are_taken(tmp_path):
    path = save(tmp_path / "x.nii")
    origins = [[9, 8, 7], [9, 8, 8], [9, 8, 17]]
    (tmp_path / "x.json").write_text(json.dumps({"ichnos_slice_origins_mm": origins}))
    np.testing.assert_array_equal(load_nifti(path).geometry.origins_mm, origins)


def test_positions_beside_it_with_flips(tmp_path):
    flipped = AFFINE @ np.array([[-1, 0, 0, 4], [0, 1, 0, 0], [0, 0, -1, 2], [0, 0, 0, 1]])
    path = save(tmp_path / "x.nii", VALUES, flipped)
    stored = [[7, 8, 17], [7, 8, 8], [7, 8, 7]]
    (tmp_path / "x.json").write_text(json.dumps({"ichnos_slice_origins_mm": stored}))
    expected = [[9, 8, 7], [9, 8, 8], [9, 8, 17]]
    np.testing.assert_allclose(load_nifti(path).geometry.origins_mm, expected, atol=1e-6)


def test_positions_along_another_axis_are_refused(tmp_path):
    path = save(tmp_path / "x.nii", VALUES, AFFINE[:, [2, 1, 0, 3]])
    (tmp_path / "x.json").write_text(json.dumps({"ichnos_slice_origins_mm": [[9, 8, 7], [8, 8, 7], [8, 8, 7]]}))
    with pytest.raises(GeometryError, match=r"run along another axis|off the affine"):
        load_nifti(path)


def test_four_dimensions(tmp_path):
    with pytest.raises(ModalityError, match=r"x.nii: has shape \(5, 4, 3, 2\), not one 3-D scan; split it"):
        load_nifti(save(tmp_path / "x.nii", np.stack([VALUES, VALUES], 3)))


def test_two_dimensions_are_one_slice(tmp_path):
    image = load_nifti(save(tmp_path / "x.nii", VALUES[..., 0]))
    np.testing.assert_array_equal(image.stored, VALUES[..., :1])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_only_axis_of_length_one_holds_the_slice(tmp_path, axis):
    """As arrays that are saved with an identity for affine have it, whatever axis it is."""
    values = np.expand_dims(VALUES[..., 0], axis)
    image = load_nifti(save(tmp_path / "x.nii", values, np.eye(4)))
    assert image.turn.axes[0] == axis
    assert image.geometry.shape[0] == 1
    assert sorted(image.geometry.shape[1:]) == [4, 5]


def test_one_dimension(tmp_path):
    with pytest.raises(ModalityError, match=r"has shape \(5,\)"):
        load_nifti(save(tmp_path / "x.nii", VALUES[:, 0, 0]))


def test_colour(tmp_path):
    colour = np.zeros((5, 4, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(ModalityError, match="such as colour; give a CT in HU"):
        load_nifti(save(tmp_path / "x.nii", colour))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(tmp_path, value):
    values = VALUES.astype(np.float32)
    values[1, 2, 0] = value
    with pytest.raises(PixelError, match=r"x.nii: 1 voxel\(s\) are not finite \(NaN or infinity\)"):
        load_nifti(save(tmp_path / "x.nii", values))
    loaded = load_nifti(tmp_path / "x.nii", may_hold_nan=True)
    assert not np.isfinite(loaded.stored[1, 2, 0])


def test_no_affine(tmp_path):
    path = save(tmp_path / "x.nii")
    content = bytearray(path.read_bytes())
    content[252:256] = bytes(4)  # qform_code and sform_code
    path.write_bytes(content)
    with pytest.raises(GeometryError, match=r"no valid affine \(sform_code and qform_code are both 0\)"):
        load_nifti(path)


@pytest.mark.parametrize("entry", [0.0, np.nan])
def test_singular_affine(tmp_path, entry):
    broken = AFFINE.copy()
    broken[2, :3] = entry
    path = save(tmp_path / "x.nii")
    content = bytearray(path.read_bytes())
    content[280:328] = broken[:3].astype("<f4").tobytes()
    path.write_bytes(content)
    with pytest.raises(GeometryError, match="no valid affine, it is singular or not finite"):
        load_nifti(path)


def test_unit_other_than_mm(tmp_path):
    with pytest.raises(GeometryError, match="spatial unit is metre, not mm"):
        load_nifti(save(tmp_path / "x.nii", xyzt_units=1))


def test_missing(tmp_path):
    with pytest.raises(ScanNotFoundError, match="no such file"):
        load_nifti(tmp_path / "x.nii")


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
@pytest.mark.parametrize("share", [0.9, 0.5, 0.0])
def test_cut_short(tmp_path, name, share):
    path = save(tmp_path / name, np.random.default_rng(0).integers(-1000, 1000, (20, 20, 20)).astype(np.int16))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(PixelError, match=f"{name}: cannot be read as NIfTI, cut short or corrupt .*; copy it again"):
        load_nifti(path)


def test_not_nifti_inside(tmp_path):
    path = tmp_path / "x.nii.gz"
    path.write_bytes(gzip.compress(b"no image" * 100))
    with pytest.raises(PixelError, match="cannot be read as NIfTI"):
        load_nifti(path)


def test_gz_that_is_not_packed(tmp_path):
    save(tmp_path / "x.nii").rename(tmp_path / "x.nii.gz")
    with pytest.raises(PixelError, match="cannot be read as NIfTI"):
        load_nifti(tmp_path / "x.nii.gz")


def test_other_formats_of_nibabel(tmp_path, monkeypatch):
    path = save(tmp_path / "x.nii")
    monkeypatch.setattr(nibabel, "load", lambda _: nibabel.MGHImage(VALUES.astype(np.float32), AFFINE))
    with pytest.raises(ModalityError, match=r"x.nii: is MGHImage, not NIfTI; convert it"):
        load_nifti(path)


def test_repairs_of_the_header_are_silent(tmp_path, capfd):
    path = save(tmp_path / "x.nii")
    content = bytearray(path.read_bytes())
    content[0] = 0  # size of the header
    path.write_bytes(content)
    load_nifti(path)
    assert capfd.readouterr() == ("", "")


def test_size_and_place_are_told_by_the_header_alone(tmp_path):
    save(tmp_path / "x.nii")
    (tmp_path / "cut.nii").write_bytes((tmp_path / "x.nii").read_bytes()[:400])
    for name in ("x.nii", "cut.nii"):
        header = read_header(tmp_path / name)
        assert header.shape == (5, 4, 3)
        np.testing.assert_allclose(header.affine, AFFINE)
    content = bytearray((tmp_path / "x.nii").read_bytes())
    content[252:256] = bytes(4)  # qform_code and sform_code
    (tmp_path / "nowhere.nii").write_bytes(content)
    assert read_header(tmp_path / "nowhere.nii").affine is None
    (tmp_path / "no.nii").write_text("text")
    with pytest.raises(PixelError, match=r"no\.nii.*copy it again"):
        read_header(tmp_path / "no.nii")
    with pytest.raises(ScanNotFoundError):
        read_header(tmp_path / "gone.nii")

import nibabel
import numpy as np
import pytest
from tiny import box_scan

from ichnos.cohorts.readers.masks import check_fit, read_bleed_masks, read_brain_mask, read_on_grid, take_majority
from ichnos.errors import GeometryError, PixelError
from ichnos.scans import IMAGE_ORDER, read_scan, write_nifti
from ichnos.scans.scan import Scan, Source

SHAPE = (4, 6, 8)
CLASSES = {1: "epidural", 2: "subdural", 3: "subdural", 4: None}


def scan_at(tmp_path, shear=0.0):
    scan = box_scan(SHAPE, (5.0, 0.8, 0.5), hu=-600.0)
    affine = scan.geometry.affine
    affine[1, 0] = shear
    scan = Scan(scan.voxels_hu, type(scan.geometry).from_affine(affine, SHAPE))
    write_nifti(scan, tmp_path / "scan.nii.gz")
    return read_scan(tmp_path / "scan.nii.gz")


def drawn():
    values = np.zeros(SHAPE, np.uint8)
    values[1, 2, 3], values[2, 1:3, 5] = 1, 2
    return values


def save(path, values, affine, turn=IMAGE_ORDER):
    """A mask in the file order of `turn`; `affine` is of (slice, row, column)."""
    stored = turn.to_source(values)
    image = nibabel.Nifti1Image(stored, affine @ turn.indices(values.shape))
    image.set_sform(image.affine, 1)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("shear", [0.0, 1.5])
@pytest.mark.parametrize("flips", [(False, False, False), (True, False, True), (False, True, False)])
@pytest.mark.parametrize("axes", [(2, 1, 0), (0, 2, 1)])
def test_flipped_and_transposed_masks_come_to_the_order_of_the_scan(tmp_path, axes, flips, shear):
    scan = scan_at(tmp_path, shear)
    turn = type(IMAGE_ORDER)(axes, flips)
    path = save(tmp_path / "mask.nii.gz", drawn(), scan.geometry.affine, turn)
    np.testing.assert_array_equal(read_on_grid(path, scan), drawn())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda affine: affine + np.array([[0, 0, 0, 0.4], [0] * 4, [0] * 4, [0] * 4]), r"up to 0\.40 mm off"),
        (lambda affine: affine + np.array([[0] * 4, [0] * 4, [0, 0, 0, 2.0], [0] * 4]), r"up to 2\.00 mm off"),
        (lambda affine: affine @ np.diag([1.2, 1, 1, 1]), "wrong affine"),
        (lambda affine: affine @ np.diag([1, 1.2, 1, 1]), "wrong affine"),
    ],
)
def test_a_mask_that_lies_elsewhere_is_refused(tmp_path, change, problem):
    scan = scan_at(tmp_path)
    with pytest.raises(GeometryError, match=problem):
        read_on_grid(save(tmp_path / "mask.nii", drawn(), change(scan.geometry.affine)), scan)


def test_a_rounded_affine_is_the_same(tmp_path):
    scan = scan_at(tmp_path)
    affine = scan.geometry.affine + 0.01
    affine[3] = [0, 0, 0, 1]
    check_fit(type(scan.geometry).from_affine(affine, SHAPE), scan.geometry, "x")


def test_a_mask_of_another_size_is_refused(tmp_path):
    scan = scan_at(tmp_path)
    path = save(tmp_path / "mask.nii", drawn()[:3], scan.geometry.affine)
    with pytest.raises(GeometryError, match="has 3 slices of 6 x 8, its scan 4 of 6 x 8"):
        read_on_grid(path, scan)


@pytest.mark.parametrize("values", [drawn() > 0, (drawn() > 0) * np.uint8(255), (drawn() > 0) * np.float32(0.3)])
def test_whatever_is_above_zero_is_blood(tmp_path, values):
    scan = scan_at(tmp_path)
    path = save(tmp_path / "mask.nii.gz", values.astype(np.float32), scan.geometry.affine)
    masks = read_bleed_masks(path, scan)
    assert list(masks) == ["any"]
    np.testing.assert_array_equal(masks["any"], drawn() > 0)
    np.testing.assert_array_equal(read_brain_mask(path, scan), drawn() > 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_classes_are_told_apart(tmp_path, dtype):
    scan = scan_at(tmp_path)
    values = drawn().astype(dtype)
    values[0, 0, :2] = 3, 4
    masks = read_bleed_masks(save(tmp_path / "mask.nii.gz", values, scan.geometry.affine), scan, CLASSES)
    assert list(masks) == ["epidural", "subdural"]
    np.testing.assert_array_equal(masks["subdural"], (values == 2) | (values == 3))
    np.testing.assert_array_equal(masks["epidural"], values == 1)


def test_an_empty_mask_holds_nothing(tmp_path):
    scan = scan_at(tmp_path)
    path = save(tmp_path / "mask.nii", np.zeros(SHAPE, np.uint8), scan.geometry.affine)
    assert read_bleed_masks(path, scan) == read_bleed_masks(path, scan, CLASSES) == {}


@pytest.mark.parametrize("value", [5, 1.5, 255])
def test_a_value_that_is_no_class_is_refused(tmp_path, value):
    scan = scan_at(tmp_path)
    values = drawn().astype(np.float32)
    values[0, 0, 0] = value
    with pytest.raises(PixelError, match=rf"holds the value {value:g}, which is none of its classes \(1 epidural"):
        read_bleed_masks(save(tmp_path / "mask.nii", values, scan.geometry.affine), scan, CLASSES)


def test_a_scan_in_place_of_a_mask_is_refused(tmp_path):
    scan = scan_at(tmp_path)
    with pytest.raises(PixelError, match="is it the scan"):
        read_on_grid(tmp_path / "scan.nii.gz", scan)


def test_a_mask_fits_a_scan_in_memory():
    scan = box_scan(SHAPE)
    check_fit(scan.geometry, Scan(scan.voxels_hu, scan.geometry, Source()).geometry, "x")


def line(*values):
    return np.array(values, bool).reshape(1, 1, -1)


def test_the_majority_of_three():
    raters = [
        {"epidural": line(1, 1, 1, 0, 0)},
        {"epidural": line(1, 0, 0, 0, 1), "subdural": line(0, 1, 0, 1, 0)},
        {"epidural": line(1, 0, 0, 0, 0), "any": line(0, 1, 0, 0, 0)},
    ]
    masks = take_majority(raters)
    assert {name: voxels.astype(int).ravel().tolist() for name, voxels in masks.items()} == {
        "epidural": [1, 0, 0, 0, 0],
        "any": [0, 1, 0, 0, 0],  # all three see blood there, no two the same kind
    }


def test_raters_who_drew_nothing_have_a_vote():
    one = {"subdural": line(1, 1, 0)}
    assert take_majority([one, {}]) == {}
    assert take_majority([{}, {}, {}]) == {}
    np.testing.assert_array_equal(take_majority([one, one, {}])["subdural"], line(1, 1, 0))
    np.testing.assert_array_equal(take_majority([one])["subdural"], line(1, 1, 0))

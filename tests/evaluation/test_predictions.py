import json
from dataclasses import replace

import nibabel
import numpy as np
import pytest
from evaluation.made_cohort import box, make_cases, uneven_scan, write_predictions
from tiny import box_scan

from ichnos.errors import GeometryError, PixelError, UsageError
from ichnos.evaluation.predictions import list_predictions, predict_nothing, read_prediction
from ichnos.scans import Mask, read_scan, write_mask, write_nifti

CASES = make_cases()
SCAN = CASES["shifted"].scan
LABEL = CASES["shifted"].label


def test_files_are_matched_by_name(tmp_path):
    folder = write_predictions(tmp_path / "p", {"a": CASES["shifted"]})
    write_mask(Mask(LABEL, SCAN.geometry), folder / "b" / "bleed.nii.gz")
    write_mask(Mask(LABEL, SCAN.geometry), folder / "c.nii")
    write_mask(Mask(LABEL, SCAN.geometry), folder / "aa.nii.gz")
    found = list_predictions(folder, ["c", "d", "b", "a"])
    assert {case: path.relative_to(folder).as_posix() for case, path in found.paths.items()} == {
        "a": "a.nii.gz",
        "b": "b/bleed.nii.gz",
        "c": "c.nii",
    }
    assert found.missing == ("d",)
    assert found.extra == ("aa.nii.gz",)


def test_a_pattern_says_how_files_are_called(tmp_path):
    write_mask(Mask(LABEL, SCAN.geometry), tmp_path / "ICH_7_seg.nii.gz")
    found = list_predictions(tmp_path, ["7"], "ICH_{case}_seg.nii.gz")
    assert found.paths.keys() == {"7"}
    with pytest.raises(UsageError, match="does not say where the case's id stands"):
        list_predictions(tmp_path, ["7"], "ICH_seg.nii.gz")


def test_two_files_for_one_case_are_refused(tmp_path):
    write_mask(Mask(LABEL, SCAN.geometry), tmp_path / "a.nii.gz")
    write_mask(Mask(LABEL, SCAN.geometry), tmp_path / "a" / "bleed.nii.gz")
    with pytest.raises(UsageError, match=r"case a has a.nii.gz and bleed.nii.gz; remove one"):
        list_predictions(tmp_path, ["a"])
    with pytest.raises(UsageError, match="is not a folder"):
        list_predictions(tmp_path / "a.nii.gz", ["a"])


@pytest.mark.parametrize("flips", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_mask_stored_the_other_way_round_is_brought_over(tmp_path, flips):
    write_nifti(SCAN, tmp_path / "scan.nii.gz")
    write_mask(Mask(LABEL, SCAN.geometry), tmp_path / "mask.nii.gz")
    image = nibabel.load(tmp_path / "mask.nii.gz")
    stored, affine = np.asarray(image.dataobj), image.affine
    for axis in flips:
        turn = np.eye(4)
        turn[axis, axis], turn[axis, 3] = -1, stored.shape[axis] - 1
        stored, affine = np.flip(stored, axis), affine @ turn
    nibabel.save(nibabel.Nifti1Image(stored.transpose(1, 0, 2), affine[:, [1, 0, 2, 3]]), tmp_path / "turned.nii.gz")
    found = read_prediction(tmp_path / "turned.nii.gz", read_scan(tmp_path / "scan.nii.gz"))
    assert (found.bleed_mask == LABEL).all()


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (Mask(np.zeros((4, 12, 10), bool), box_scan((4, 12, 10), (5.0, 1.0, 2.0)).geometry), "has 4 x 12 x 10 voxels"),
        (Mask(LABEL, box_scan(LABEL.shape, (5.0, 1.0, 2.1)).geometry), r"up to 1\.10 mm from those of the scan"),
        (Mask(LABEL, replace(SCAN.geometry, origins_mm=SCAN.geometry.origins_mm + 0.5)), r"up to 0\.87 mm"),
    ],
)
def test_another_grid_is_refused(tmp_path, mask, message):
    write_mask(mask, tmp_path / "mask.nii.gz")
    with pytest.raises(GeometryError, match=message):
        read_prediction(tmp_path / "mask.nii.gz", SCAN)


def test_rounded_affines_are_the_same_grid(tmp_path):
    moved = replace(SCAN.geometry, origins_mm=SCAN.geometry.origins_mm + 0.01)
    write_mask(Mask(LABEL, moved), tmp_path / "mask.nii.gz")
    assert (read_prediction(tmp_path / "mask.nii.gz", SCAN).bleed_mask == LABEL).all()


def test_uneven_slices_need_no_file_beside_the_mask(tmp_path):
    """Other tools write the affine only."""
    scan = uneven_scan()
    write_mask(Mask(LABEL, scan.geometry), tmp_path / "mask.nii.gz")
    (tmp_path / "mask.json").unlink()
    assert (read_prediction(tmp_path / "mask.nii.gz", scan).bleed_mask == LABEL).all()


def test_a_probability_map_is_no_mask(tmp_path):
    write_nifti(SCAN, tmp_path / "scan.nii.gz")
    image = nibabel.load(tmp_path / "scan.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.full(image.shape, 0.25, np.float32), image.affine), tmp_path / "map.nii.gz")
    with pytest.raises(PixelError, match=r"holds 0\.25, not whole numbers; give a mask"):
        read_prediction(tmp_path / "map.nii.gz", SCAN)


def test_the_scan_itself_is_no_mask(tmp_path):
    write_nifti(SCAN, tmp_path / "scan.nii.gz")
    with pytest.raises(PixelError, match="holds values from -1000, below 0; a mask has none"):
        read_prediction(tmp_path / "scan.nii.gz", SCAN)


def test_probabilities_beside_our_own_masks_are_read(tmp_path):
    write_mask(Mask(LABEL, SCAN.geometry), tmp_path / "a" / "bleed.nii.gz")
    assert read_prediction(tmp_path / "a" / "bleed.nii.gz", SCAN).slice_probabilities is None
    for told, expected in (([0.1, 0.9, 0.8, 0.2], [0.1, 0.9, 0.8, 0.2]), ([0.1], None)):
        (tmp_path / "a" / "segmentation.json").write_text(json.dumps({"slice_probabilities": told}))
        found = read_prediction(tmp_path / "a" / "bleed.nii.gz", SCAN).slice_probabilities
        assert (None if found is None else found.tolist()) == expected


def test_nothing_is_an_empty_mask_without_probabilities():
    found = predict_nothing(SCAN)
    assert found.bleed_mask.shape == box().shape
    assert not found.bleed_mask.any()
    assert found.slice_probabilities is None

import numpy as np
import pytest
from cohorts.miniatures import class_map, head_hu, save_nifti

from ichnos.cohorts.case import Case
from ichnos.cohorts.readers.bhsd import CLASSES
from ichnos.cohorts.readers.drawn import check_rater, load_drawn
from ichnos.errors import GeometryError, UsageError


def made(tmp_path, *raters, **told):
    """A case whose raters drew so."""
    masks = {str(number): save_nifti(tmp_path / f"{number}.nii", drawn) for number, drawn in enumerate(raters)}
    return Case("c", "p", (save_nifti(tmp_path / "scan.nii.gz", head_hu()),), masks=masks, **told)


def test_a_scan_without_masks(tmp_path):
    loaded = load_drawn(made(tmp_path))
    assert loaded.bleed_masks is None
    assert (loaded.slice_labels == -1).all()
    np.testing.assert_array_equal(loaded.scan.voxels_hu, head_hu())


def test_classes_label_their_slices(tmp_path):
    loaded = load_drawn(made(tmp_path, class_map()), classes=CLASSES)
    assert loaded.slice_labels.tolist() == [
        [0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 1],
        [1, 0, 1, 0, 1, 0],
        [0, 0, 0, 0, 0, 0],
    ]


def test_the_majority_or_one_of_the_raters(tmp_path):
    other = np.roll(class_map(), 1, axis=0)
    case = made(tmp_path, class_map(), other, class_map())
    np.testing.assert_array_equal(load_drawn(case).bleed_masks["any"], class_map() > 0)
    np.testing.assert_array_equal(load_drawn(case, rater="1").bleed_masks["any"], other > 0)
    assert load_drawn(case, rater="9").bleed_masks is None, "this rater did not draw this case"


def test_a_brain_mask_of_its_own(tmp_path):
    brain = save_nifti(tmp_path / "brain.nii", (head_hu() < 100).astype(np.uint8) * 255, flips=(True, True, True))
    np.testing.assert_array_equal(load_drawn(made(tmp_path, brain_mask=brain)).brain_mask, head_hu() < 100)


def test_the_mask_of_another_scan_is_refused(tmp_path):
    case = made(tmp_path, class_map())
    save_nifti(tmp_path / "0.nii", class_map(), shift_mm=5.0)
    with pytest.raises(GeometryError, match=r"5\.00 mm off"):
        load_drawn(case)


def test_raters_are_checked(tmp_path):
    case = made(tmp_path, class_map())
    assert check_rater([case], "0") == "0"
    assert check_rater([], "majority") == "majority"
    with pytest.raises(UsageError, match="no rater is called '7'; there are: 0, or majority"):
        check_rater([case], "7")

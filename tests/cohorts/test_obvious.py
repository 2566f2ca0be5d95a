import numpy as np
import pytest

from ichnos.cohorts.obvious import find_obvious

PIXEL_MM = (2.0, 1.5)


def head(blood_hu, rows=slice(30, 40), columns=slice(30, 40)):
    """A ring of bone around brain, with a box of 10 x 10 pixels: 300 mm2 at 2.0 x 1.5 mm."""
    slices_hu = np.full((1, 80, 80), -1000.0, np.float32)
    slices_hu[0, 5:75, 5:75] = 1000.0
    slices_hu[0, 9:71, 9:71] = 30.0
    slices_hu[0, rows, columns] = blood_hu
    return slices_hu


def is_obvious(slices_hu, is_positive=True):
    return bool(find_obvious(slices_hu, np.array([is_positive]), PIXEL_MM)[0])


def test_enough_dense_tissue_is_obvious():
    assert is_obvious(head(65.0))


@pytest.mark.parametrize(
    "slices_hu",
    [
        head(45.0),
        head(65.0, rows=slice(30, 39)),
        head(65.0, rows=slice(9, 11), columns=slice(9, 71)),  # beside bone
        head(65.0, rows=slice(0, 4), columns=slice(0, 80)),  # outside the skull
    ],
    ids=["too pale", "too small", "beside bone", "outside"],
)
def test_what_may_be_missed_is_not(slices_hu):
    assert not is_obvious(slices_hu)


def test_a_slice_labelled_negative_never_is():
    assert not is_obvious(head(65.0), is_positive=False)


def test_slices_are_judged_one_by_one():
    both = np.concatenate([head(65.0), head(40.0), head(70.0)])
    assert find_obvious(both, np.ones(3, bool), PIXEL_MM).tolist() == [True, False, True]

import re
from functools import cache

import numpy as np
import pytest
from preprocessing.heads import ball_head
from tiny import SETTINGS, box_scan

from ichnos.errors import PixelError
from ichnos.phantoms import make_phantom
from ichnos.scans.geometry import Geometry
from ichnos.scans.hounsfield import CUT_NOTE, NOT_FINITE, SHIFTED_NOTE, Scale, find_scale, mend_scan, mend_values
from ichnos.scans.scan import Scan


def between(low, high):
    return np.linspace(low, high, 24).reshape(2, 3, 4)


@cache
def head(seed=3):
    return make_phantom(seed, SETTINGS).scan


@pytest.mark.parametrize(("low", "high"), [(-1024, 2000), (-3024, 100), (-100, 1500), (-1000, -900)])
def test_hu_pass_as_they_are(low, high):
    assert find_scale(between(low, high), "x.nii") == Scale()


@pytest.mark.parametrize(
    ("low", "high", "guess"),
    [
        (0, 1, r"scaled to \[0, 1\]\?"),
        (0, 4095, "was something added"),
        (-1000, 2e6, "far beyond metal"),
        (-40, 120, "neither air below -500 nor bone above 300: cut to a window"),
        (0, 90, "neither air"),
    ],
)
def test_what_is_not_hu_is_refused(low, high, guess):
    with pytest.raises(
        PixelError, match=rf"^x.nii: values from {low:g} to {re.escape(format(high, 'g'))} are not .*{guess}.*in HU$"
    ):
        find_scale(between(low, high), "x.nii")


@pytest.mark.parametrize("seed", range(6))
def test_a_head_is_told_from_what_was_done_to_it(seed):
    hu = head(seed).voxels_hu
    assert find_scale(hu, "x") == Scale()
    assert find_scale(hu + 1024, "x") == Scale(-1024.0, (SHIFTED_NOTE,))
    assert find_scale(np.maximum(hu, -1000) + 1024, "x").offset_hu == -1024.0
    cut = find_scale(np.clip(hu, 0, 255).astype(np.uint8), "x")
    assert cut == Scale(notes=(f"values from 0 to 255: {CUT_NOTE}",))
    assert find_scale(np.clip(hu, -100, 250), "x").offset_hu == 0.0
    assert find_scale(np.maximum(hu, 0), "x") == Scale(notes=(f"values from 0 to {hu.max():g}: {CUT_NOTE}",))
    for low, high in [(0, 80), (-20, 100), (-135, 215)]:
        stretched = np.clip((hu - low) / (high - low), 0, 1) * 255
        with pytest.raises(PixelError, match=r"soft tissue in the skull is at \d+, not 20 to 45: stretched"):
            find_scale(stretched, "x")


def test_one_slice_is_enough():
    hu = head().voxels_hu[3:4]
    assert find_scale(np.clip(hu, 0, 255), "x").notes
    assert find_scale(hu + 1024, "x").offset_hu == -1024.0


def disc(*rings):
    """A lone slice of air with discs of (radius, HU), each laid on the one before."""
    rows, columns = np.indices((64, 64)) - 32
    hu = np.full((1, 64, 64), -1000.0)
    for radius, value in rings:
        hu[0][rows**2 + columns**2 <= radius**2] = value
    return hu


def test_a_lone_slice_without_brain_is_told_by_its_soft_tissue():
    neck = disc((28, -90), (25, 55), (5, 600))
    assert find_scale(neck + 1024, "x") == Scale(-1024.0, (SHIFTED_NOTE,))
    assert find_scale(neck, "x") == Scale()
    dense = disc((28, 1000), (25, -1000), (20, 1024), (3, 1500))
    assert find_scale(dense, "x") == Scale()
    skull = disc((28, 60), (24, 1500), (23, 1024), (22, 600), (8, 30))
    with pytest.raises(PixelError, match="was something added"):
        find_scale(np.maximum(skull, 0), "x")


@pytest.mark.parametrize("margin", [0, 8])
def test_blurred_bone_of_a_lone_vertex_is_not_refused_however_it_was_cropped(margin):
    top = disc((24, 1000), (9, 75))
    kept = slice(8 - margin, 57 + margin)
    assert find_scale(np.clip(top[:, kept, kept], 0, 255), "x").notes
    brain_stretched = disc((24, 1000), (16, 75))
    with pytest.raises(PixelError, match="stretched"):
        find_scale(np.clip(brain_stretched[:, kept, kept], 0, 255), "x")


def test_eight_bits_without_a_skull_tell_nothing_and_pass():
    stripes = np.where(np.arange(16) < 8, 0.0, box_scan().voxels_hu)
    stripes[:, :, 15] = 255
    assert find_scale(stripes, "x").notes


def test_one_value_is_no_reason_to_stop():
    assert find_scale(np.full((1, 4, 4), 7.0), "x").notes == ("all voxels have the value 7: nothing is shown",)


def test_who_says_that_they_are_hu_is_believed_unless_a_skull_contradicts():
    assert find_scale(between(-40, 120), "x", are_hu=True) == Scale()
    with pytest.raises(PixelError, match="stretched from a window"):
        find_scale(np.clip(head().voxels_hu / 80, 0, 1) * 255, "x", are_hu=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_finite_counts_as_air(dtype):
    values = between(-1000, 500).astype(dtype)
    values[0, 0, 1], values[1, 1, 1] = np.nan, np.inf
    mended, notes = mend_values(values)
    assert mended[0, 0, 1] == mended[1, 1, 1] == -1000
    assert notes == (f"2 {NOT_FINITE}",)
    assert mend_values(between(0, 5))[1] == ()
    assert (mend_values(np.full((1, 2, 2), np.nan))[0] == -1024).all()


def test_a_lone_slice_of_unknown_thickness_gets_the_usual_one():
    whole = ball_head()
    geometry = whole.geometry
    places = (geometry.origins_mm[9:10], geometry.row_steps_mm[9:10], geometry.column_steps_mm[9:10])
    scan = Scan(whole.voxels_hu[9:10], Geometry(*places, geometry.rows, geometry.columns))
    mended = mend_scan(scan)
    assert mended.geometry.slice_extents_mm == [5.0]
    assert mended.warnings == ("only one slice, of unknown thickness; its volume rests on 5 mm, which is a guess",)
    np.testing.assert_array_equal(mended.voxels_hu, scan.voxels_hu)


def test_a_scan_in_memory_is_mended_once():
    scan = ball_head()
    assert mend_scan(scan) is scan
    shifted = mend_scan(Scan(scan.voxels_hu + 1024, scan.geometry))
    np.testing.assert_array_equal(shifted.voxels_hu, scan.voxels_hu)
    assert shifted.warnings == (SHIFTED_NOTE,)
    cut = mend_scan(Scan(np.clip(scan.voxels_hu, 0, 255), scan.geometry))
    assert len(cut.warnings) == 1
    assert mend_scan(cut) is cut

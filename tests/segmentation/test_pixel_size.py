from functools import cache

import numpy as np
import pytest
from preprocessing.heads import ball_head
from segmentation.test_doubts import bleeds_everywhere
from tiny import box_scan

from ichnos.preprocessing.brain_mask import find_brain_mask
from ichnos.scans.scan import take_slice
from ichnos.segmentation.pixel_size import find_scale, measure_across_mm, put_back, resize

SIDE = 84


@cache
def head():
    """2.7 mm pixels, 227 mm wide; its cavity measures 130 mm."""
    return ball_head((20, SIDE, SIDE), (7.5, 2.7, 2.7))


def scale_of(scan):
    return find_scale(scan, find_brain_mask(scan).mask.voxels)


def test_a_cavity_is_measured_along_rows_and_columns():
    cavity = np.zeros((2, 10, 20), bool)
    cavity[0, 2:6, 3], cavity[1, 5, 4:15] = True, True
    assert measure_across_mm(box_scan(cavity.shape, (5.0, 3.0, 1.0)), cavity) == 12.0
    assert measure_across_mm(box_scan(cavity.shape, (5.0, 2.0, 1.0)), cavity) == 11.0


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (1.0, 1.0),
        (1.5, 1.0),  # the cavity would measure 195 mm
        (2.2, 230 / (2.2 * 2.7 * SIDE)),  # 286 mm
        (0.7, 230 / (0.7 * 2.7 * SIDE)),  # an image of 159 mm
        (0.3, 230 / (0.3 * 2.7 * SIDE)),
    ],
)
def test_only_sizes_that_nobody_has_are_not_believed(stated, expected):
    assert scale_of(resize(head(), stated)) == pytest.approx(expected)


def test_a_wide_image_is_believed_of_a_whole_scan_alone():
    wide = ball_head((20, 96, 96), (7.5, 5.5, 5.5))
    cavity = np.asarray(wide.voxels_hu == 32.0)
    assert find_scale(wide, cavity) == 1.0
    one = take_slice(wide, 10)
    assert find_scale(one, cavity[10:11]) == pytest.approx(230 / 528)


def test_a_mask_that_leaks_into_a_wide_body_does_not_shrink_the_head():
    wide = ball_head((20, 96, 96), (7.5, 5.0, 5.0))
    leaking = np.zeros(wide.voxels_hu.shape, bool)
    leaking[10, 40, 25:70] = True  # 225 mm of 480
    assert find_scale(wide, leaking) == 1.0


def test_a_resized_scan_keeps_its_slices():
    grown = resize(head(), 2.0)
    assert grown.geometry.spacing_mm == pytest.approx((7.5, 5.4, 5.4))
    np.testing.assert_array_equal(grown.geometry.origins_mm, head().geometry.origins_mm)


@pytest.mark.parametrize("stated", [0.3, 2.2])
def test_a_head_of_impossible_size_is_segmented_as_at_its_own(stated):
    segmenter = bleeds_everywhere()
    usual = segmenter(resize(head(), 230 / (2.7 * SIDE)))
    scan = resize(head(), stated)
    result = segmenter(scan)
    np.testing.assert_array_equal(result.bleed_mask.voxels, usual.bleed_mask.voxels)
    assert usual.volume_ml > 500
    assert result.scan.geometry is scan.geometry
    assert result.brain_mask.geometry is scan.geometry
    factor = (stated * 2.7 * SIDE / 230) ** 2
    assert result.volume_ml == pytest.approx(usual.volume_ml * factor, rel=1e-6)
    assert result.flags[:-1] == usual.flags
    assert result.flags[-1].startswith(f"pixels of {stated * 2.7:.2f} mm make no head that anybody has")
    assert not any("that anybody has" in flag for flag in usual.flags)


def test_a_result_put_back_is_on_the_scan_as_it_was():
    result = bleeds_everywhere()(head())
    back = put_back(result, resize(head(), 0.5))
    assert back.volume_ml == pytest.approx(result.volume_ml / 4)

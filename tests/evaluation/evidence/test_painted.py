from dataclasses import replace
from functools import cache

import numpy as np
from preprocessing.heads import BRAIN_RADIUS_MM, ball_head
from tiny import box_scan

from ichnos.evaluation.evidence.painted import DRAWN, SMALLEST_BLEED_MM2, paint_slices
from ichnos.preprocessing.brain_mask import find_brain_mask

PIXEL_MM = 1.6


@cache
def head():
    """A ball of brain with noise, an oval of fluid in its middle, and fluid 4 to 9 mm below the skull."""
    scan = ball_head((7, 112, 112), (8.0, PIXEL_MM, PIXEL_MM))
    hu = scan.voxels_hu + np.random.default_rng(0).normal(0, 3, scan.voxels_hu.shape).astype(np.float32)
    rows, columns = np.ogrid[-55.5:56.5, -55.5:56.5]
    hu[:, (rows / 12) ** 2 + (columns / 7) ** 2 < 1] -= 26.0
    distance_mm = np.sqrt(((np.arange(7) - 3) * 8.0)[:, None, None] ** 2 + (rows**2 + columns**2) * PIXEL_MM**2)
    hu[(distance_mm > BRAIN_RADIUS_MM - 9) & (distance_mm < BRAIN_RADIUS_MM - 4)] -= 22.0
    return replace(scan, voxels_hu=hu)


@cache
def painted():
    return list(paint_slices(head(), 25, seed=3))


@cache
def cavity():
    return find_brain_mask(head()).mask.voxels


def test_subtypes_come_in_turn_and_seeds_fix_them():
    assert [one.subtype for one in painted()] == list(DRAWN) * 5
    again, other = list(paint_slices(head(), 2, seed=3)), list(paint_slices(head(), 2, seed=4))
    np.testing.assert_array_equal(again[1].scan.voxels_hu, painted()[1].scan.voxels_hu)
    assert (other[1].scan.voxels_hu != painted()[1].scan.voxels_hu).any()


def test_blood_lies_in_the_brain_and_the_rest_stays():
    for one in painted():
        before, after = head().voxels_hu[one.z], one.scan.voxels_hu[0]
        inside = cavity()[one.z]
        assert not (one.bleed[0] & ~inside).any()
        np.testing.assert_array_equal(before[~inside], after[~inside])
        assert one.bleed.sum() * PIXEL_MM**2 >= SMALLEST_BLEED_MM2
        assert 40 < after[one.bleed[0]].mean() < 85
        assert after[one.bleed[0]].mean() - before[one.bleed[0]].mean() > 10


def test_each_subtype_lies_where_it_belongs():
    from_middle = np.hypot(*(np.ogrid[-55.5:56.5, -55.5:56.5])) * PIXEL_MM
    for one in painted():
        z_mm = (one.z - 3) * 8.0
        edge_mm = np.sqrt(BRAIN_RADIUS_MM**2 - z_mm**2)
        reach = from_middle[one.bleed[0]]
        if one.subtype in {"epidural", "subdural"}:
            assert reach.max() > edge_mm - 6.0
            assert reach.min() > edge_mm - 16.0 * 1.4 - 5.0 or one.subtype == "epidural"
        elif one.subtype == "intraventricular":
            assert reach.max() < 12 * PIXEL_MM + 4.0
        elif one.subtype == "subarachnoid":
            assert reach.min() > edge_mm - 26.0
        elif one.subtype == "intraparenchymal":
            assert reach.max() < edge_mm + 1.0
            assert one.bleed.sum() * PIXEL_MM**2 < np.pi * (28.0 * 1.8) ** 2


def test_crescents_are_long_and_lenses_short():
    def angle(one):
        rows, columns = np.nonzero(one.bleed[0])
        around = np.exp(1j * np.arctan2(rows - 55.5, columns - 55.5))
        return np.abs(np.angle(around / around.mean())).max()

    angles = {name: [angle(one) for one in painted() if one.subtype == name] for name in ("epidural", "subdural")}
    assert max(angles["epidural"]) < 0.65
    assert np.mean(angles["subdural"]) > np.mean(angles["epidural"])


def test_a_scan_without_brain_has_nothing_to_paint_in():
    assert list(paint_slices(box_scan((2, 32, 32), (5.0, 2.0, 2.0), 30.0), 3, seed=0)) == []


def test_without_fluid_there_is_no_blood_in_it():
    solid = ball_head((3, 64, 64), (8.0, 2.8, 2.8))
    drawn = [one.subtype for one in paint_slices(solid, 10, seed=0)]
    assert drawn == ["epidural", "intraparenchymal", "subdural"] * 2

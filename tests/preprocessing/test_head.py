import numpy as np
import pytest
from preprocessing.heads import ball_head, canonical_geometry

from ichnos.preprocessing.head import LARGEST_HEAD_MM, HeadBox, find_head, find_head_box
from ichnos.scans.scan import AIR_HU, Scan


@pytest.mark.parametrize("centre_mm", [(0.0, 0.0, 0.0), (18.0, -12.0, 0.0)])
def test_centre_of_a_ball_is_its_centre(centre_mm: tuple[float, float, float]) -> None:
    row, column = find_head_box(ball_head(centre_mm=centre_mm)).centre
    # 1.6 mm pixels, found on 3.2 mm ones; the ball's centre in pixels from the middle of the grid
    assert row == pytest.approx(63.5 - centre_mm[1] / 1.6, abs=2.0)
    assert column == pytest.approx(63.5 - centre_mm[0] / 1.6, abs=2.0)


def test_a_table_does_not_pull_the_centre() -> None:
    scan = ball_head()
    with_table = scan.voxels_hu.copy()
    with_table[:, 124:126, :] = 300.0
    assert find_head_box(Scan(with_table, scan.geometry)) == find_head_box(scan)


def test_air_alone_gives_the_middle() -> None:
    empty = Scan(np.full((2, 20, 30), AIR_HU, dtype=np.float32), canonical_geometry((2, 20, 30), (5, 1, 1)))
    assert find_head_box(empty) == HeadBox((9.5, 14.5), 30.0)
    assert not find_head(empty.voxels_hu).any()


def test_the_centre_is_the_same_where_hu_were_cut_off_at_0_and_255():
    scan = ball_head(centre_mm=(18.0, -12.0, 0.0))
    clipped = Scan(np.clip(scan.voxels_hu, 0.0, 255.0), scan.geometry)
    assert find_head_box(clipped).centre == pytest.approx(find_head_box(scan).centre, abs=2.1)


def test_the_extent_is_that_of_the_ball():
    assert find_head_box(ball_head()).extent_mm == pytest.approx(2 * (65 + 14), abs=5)


def test_shoulders_below_do_not_widen_the_head():
    scan = ball_head(centre_mm=(18.0, -12.0, 0.0))
    shape = scan.voxels_hu.shape
    with_shoulders = np.concatenate([np.full((3, *shape[1:]), 40.0, np.float32), scan.voxels_hu])
    assert shape[2] * scan.geometry.spacing_mm[2] < LARGEST_HEAD_MM
    coarse = canonical_geometry((len(with_shoulders), *shape[1:]), (5.0, 2.2, 2.2))
    without = Scan(scan.voxels_hu, canonical_geometry(shape, (5.0, 2.2, 2.2)))
    assert find_head_box(Scan(with_shoulders, coarse)) == find_head_box(without)
    alone = find_head_box(Scan(with_shoulders[:3], canonical_geometry((3, *shape[1:]), (5.0, 2.2, 2.2))))
    assert alone.extent_mm > LARGEST_HEAD_MM

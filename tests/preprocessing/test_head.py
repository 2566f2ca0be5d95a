import numpy as np
import pytest
from preprocessing.heads import ball_head, canonical_geometry

from ichnos.preprocessing.head import find_head, find_head_centre
from ichnos.scans.scan import AIR_HU, Scan


@pytest.mark.parametrize("centre_mm", [(0.0, 0.0, 0.0), (18.0, -12.0, 0.0)])
def test_centre_of_a_ball_is_its_centre(centre_mm: tuple[float, float, float]) -> None:
    row, column = find_head_centre(ball_head(centre_mm=centre_mm))
    # 1.6 mm pixels, found on 3.2 mm ones; the ball's centre in pixels from the middle of the grid
    assert row == pytest.approx(63.5 - centre_mm[1] / 1.6, abs=2.0)
    assert column == pytest.approx(63.5 - centre_mm[0] / 1.6, abs=2.0)


def test_a_table_does_not_pull_the_centre() -> None:
    scan = ball_head()
    with_table = scan.voxels_hu.copy()
    with_table[:, 124:126, :] = 300.0
    assert find_head_centre(Scan(with_table, scan.geometry)) == find_head_centre(scan)


def test_air_alone_gives_the_middle() -> None:
    empty = Scan(np.full((2, 20, 30), AIR_HU, dtype=np.float32), canonical_geometry((2, 20, 30), (5, 1, 1)))
    assert find_head_centre(empty) == (9.5, 14.5)
    assert not find_head(empty.voxels_hu).any()

import numpy as np
import pytest

from ichnos.phantoms.artefacts import Motion, deface, draw_motion, move, strike
from ichnos.phantoms.grid import draw_grid
from ichnos.phantoms.settings import PhantomSettings

GRID = draw_grid(np.random.default_rng(0), PhantomSettings(slices=6, rows=48, columns=48, gap_mm=(20.0, 20.0)))


def head():
    image = np.full((6, 48, 48), -1000.0, np.float32)
    image[:, 8:40, 8:40] = 1000.0
    image[:, 11:37, 11:37] = 30.0
    return image


def test_streaks_touch_tissue_and_leave_most_of_the_air():
    for seed in range(12):
        image = head()
        struck = strike(np.random.default_rng(seed), image, GRID)
        assert np.isfinite(struck).all()
        assert (struck != image)[image > 0].any()
        assert np.median(np.abs(struck - image)[image > 0]) < 40.0
    assert np.array_equal(image, head())


def test_a_still_slice_stays_and_a_moved_one_is_a_mixture():
    image = head()
    moved = move(Motion((2,), ((4.0, 0.0),), 0.0, 0.5), image)
    assert [z for z in range(6) if not np.array_equal(moved[z], image[z])] == [2]
    assert moved[2, 20, 20] == 30.0
    assert moved[2, 11, 20] == pytest.approx(0.5 * 30.0 + 0.5 * -1000.0)


def test_drawn_motion_lies_in_the_scan_and_ghosts_are_the_weaker_part():
    for seed in range(20):
        motion = draw_motion(np.random.default_rng(seed), GRID)
        assert motion.slices
        assert 0 <= min(motion.slices) <= max(motion.slices) < 6
        assert len(motion.shifts_px) == len(motion.slices)
        assert motion.share <= 0.5


def test_defacing_changes_the_face_and_spares_the_brain():
    image, cavity = head(), np.zeros((6, 48, 48), np.float32)
    cavity[:, 20:37, 11:37] = 1.0
    low = GRID.heights_mm < -20.0
    assert low.any()
    for seed in range(6):
        changed = deface(np.random.default_rng(seed), image, GRID, cavity) != image
        assert changed[low][:, :10].any()
        assert not changed[cavity > 0].any()
        assert not changed[GRID.heights_mm > 40.0].any()

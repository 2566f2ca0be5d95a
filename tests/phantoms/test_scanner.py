import dataclasses

import numpy as np
import pytest

from ichnos.phantoms.grid import draw_grid
from ichnos.phantoms.scanner import draw_background, draw_scanner, take_scan
from ichnos.phantoms.settings import PhantomSettings
from ichnos.scans import AIR_HU

SETTINGS = PhantomSettings(slices=12, rows=64, columns=64, blur_mm=(0.0, 0.0), noise_hu=(5.0, 5.0))
GRID = draw_grid(np.random.default_rng(0), SETTINGS)
PLAIN = dataclasses.replace(
    draw_scanner(np.random.default_rng(0), SETTINGS),
    gain=1.0,
    offset_hu=0.0,
    noise_hu=0.0,
    padded=False,
    moved=(),
    streaks=(),
)


def scan(scanner, hu=30.0):
    flat = np.full(GRID.geometry.shape, hu, np.float32)
    return take_scan(scanner, flat, GRID, np.random.default_rng(1))


def test_a_perfect_scanner_changes_nothing():
    assert (scan(PLAIN) == 30.0).all()


def test_noise_is_as_strong_as_asked_and_stronger_at_the_base():
    noisy = scan(dataclasses.replace(PLAIN, noise_hu=5.0))
    by_slice = noisy.std(axis=(1, 2))
    assert by_slice.mean() == pytest.approx(5.0, rel=0.25)
    assert by_slice[0] > 1.3 * by_slice[-1]
    assert noisy.mean() == pytest.approx(30.0, abs=0.3)


def test_gain_offset_padding_and_limits():
    assert (scan(dataclasses.replace(PLAIN, gain=1.1, offset_hu=2.0)) == 35.0).all()
    padded = scan(dataclasses.replace(PLAIN, padded=True))
    assert (padded[:, 0, 0] == AIR_HU).all()
    assert (padded[:, 32, 32] == 30.0).all()
    assert scan(PLAIN, 9000.0).max() == 3071.0


def test_motion_and_streaks_touch_their_slice_only():
    struck = scan(dataclasses.replace(PLAIN, streaks=((3, 0.5, 0.5, 20.0),)))
    assert [z for z in range(12) if (struck[z] != 30.0).any()] == [3]
    assert 5.0 < np.abs(struck[3] - 30.0).max() <= 20.5
    image = np.zeros(GRID.geometry.shape, np.float32)
    image[:, 30, 30] = 100.0
    moved = take_scan(dataclasses.replace(PLAIN, moved=((4, 3.0, 0.0),)), image, GRID, np.random.default_rng(1))
    assert moved[4, 33, 30] == 45.0
    assert moved[5, 33, 30] == 0.0


def test_head_rest_lies_behind_the_head():
    empty = draw_background(dataclasses.replace(PLAIN, rest_mm=0.0), GRID)
    assert (empty == -1000.0).all()
    rest = draw_background(dataclasses.replace(PLAIN, rest_mm=90.0, rest_hu=0.0), GRID)
    rows = np.nonzero((rest > -800.0).any(axis=1))[0]
    assert rows.size
    assert rows.min() > 20

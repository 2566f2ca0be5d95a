import dataclasses

import numpy as np
import pytest

from ichnos.phantoms.grid import draw_grid
from ichnos.phantoms.kernels import Kernel, add_noise, draw_kernel, reconstruct
from ichnos.phantoms.settings import PhantomSettings

GRID = draw_grid(np.random.default_rng(0), PhantomSettings(slices=6, rows=64, columns=64, gap_mm=(20.0, 20.0)))
PLAIN = Kernel(1.0, 0.0, 5.0, 0.0, 0.4, 0.0, 0.0, 0.0, 1.0)
FLAT = np.full((6, 64, 64), 30.0, np.float32)


def noise(**choices):
    return add_noise(dataclasses.replace(PLAIN, **choices), FLAT, GRID, np.random.default_rng(1)) - FLAT


def test_noise_has_the_strength_that_was_asked():
    assert noise(noise_hu=5.0).std() == pytest.approx(5.0, rel=0.25)
    assert noise(noise_hu=10.0).std() == pytest.approx(2.0 * noise(noise_hu=5.0).std(), rel=1e-3)
    assert abs(noise().mean()) < 0.5


def test_ramp_moves_power_to_fine_grain():
    def coarse_share(field):
        power = np.abs(np.fft.fft2(field)) ** 2
        return power[:, :4, :4].sum() / power.sum()

    assert coarse_share(noise(ramp=1.0)) < 0.5 * coarse_share(noise(ramp=0.0))


def test_streaky_noise_is_drawn_out_from_side_to_side_at_the_base():
    field = noise(streaky=3.0, cut_off=0.5)[int(np.argmin(GRID.heights_mm))]
    across = np.mean(field[:, 1:] * field[:, :-1]) / field.var()
    down = np.mean(field[1:] * field[:-1]) / field.var()
    assert GRID.heights_mm.min() < -20.0
    assert across > down + 0.2


def test_smoothing_takes_noise_away_and_leaves_edges():
    assert noise(smoothing=0.9).std() < 0.8 * noise().std()
    edge = FLAT.copy()
    edge[:, :, 32:] = 1000.0
    kept = add_noise(dataclasses.replace(PLAIN, noise_hu=0.5, smoothing=0.9), edge, GRID, np.random.default_rng(1))
    assert np.abs(kept - edge).max() < 10.0


def test_sharp_kernels_overshoot_beside_bone_and_soft_ones_do_not():
    edge = FLAT.copy()
    edge[:, :, 32:] = 1000.0
    assert reconstruct(PLAIN, edge).min() > 29.9
    assert reconstruct(dataclasses.replace(PLAIN, sharpness=0.8), edge).min() < 0.0


def test_doses_span_the_range():
    doses = [draw_kernel(np.random.default_rng(seed)).noise_hu for seed in range(200)]
    assert 1.0 <= min(doses) < 1.3
    assert 12.0 < max(doses) <= 15.0

import numpy as np
from scipy import ndimage

from ichnos.phantoms.grown.growth import NEVER, grow


def grown(allowed, start, most, speed=0.5, spacing_mm=(1.0, 1.0, 1.0), seed=0):
    chances = np.full(allowed.shape, speed, np.float32)
    return grow(np.random.default_rng(seed), allowed, start, chances, (most, spacing_mm))


def test_the_front_stops_at_its_limit_and_stays_in_one_piece():
    allowed = np.ones((12, 20, 20), bool)
    rounds = grown(allowed, (6, 10, 10), 500)
    joined = rounds < NEVER
    assert np.count_nonzero(joined) == 500
    assert rounds[6, 10, 10] == 0
    assert ndimage.label(joined, np.ones((3, 3, 3)))[1] == 1


def test_the_front_fills_what_it_can_reach_and_nothing_else():
    allowed = np.zeros((5, 16, 16), bool)
    allowed[1:4, 2:9, 2:9] = True
    allowed[1:4, 12:15, 12:15] = True  # not connected
    rounds = grown(allowed, (2, 5, 5), 10_000)
    wanted = allowed.copy()
    wanted[:, 12:, 12:] = False
    assert np.array_equal(rounds < NEVER, wanted)


def test_every_voxel_but_the_first_joined_beside_one_that_was_there():
    rounds = grown(np.ones((6, 12, 12), bool), (3, 6, 6), 400)
    for place in np.argwhere((rounds < NEVER) & (rounds > 0)):
        box = tuple(slice(max(0, at - 1), at + 2) for at in place)
        assert rounds[box].min() < rounds[tuple(place)]


def test_planes_far_apart_are_crossed_slowly():
    reach = np.argwhere(grown(np.ones((40, 40, 40), bool), (20, 20, 20), 3000, spacing_mm=(4.0, 1.0, 1.0)) < NEVER)
    tall, _, wide = np.ptp(reach, axis=0) + 1
    assert 2 * tall < wide < 8 * tall


def test_the_same_seed_grows_the_same():
    allowed = np.ones((6, 12, 12), bool)
    assert np.array_equal(grown(allowed, (3, 6, 6), 200), grown(allowed, (3, 6, 6), 200))
    assert not np.array_equal(grown(allowed, (3, 6, 6), 200), grown(allowed, (3, 6, 6), 200, seed=1))


def test_the_front_runs_where_it_is_fast():
    allowed, speed = np.ones((3, 11, 41), bool), np.full((3, 11, 41), 0.9, np.float32)
    speed[:, :, :20] = 0.1
    joined = grow(np.random.default_rng(0), allowed, (1, 5, 20), speed, (300, (1.0, 1.0, 1.0))) < NEVER
    assert np.count_nonzero(joined[:, :, 21:]) > 3 * np.count_nonzero(joined[:, :, :20])

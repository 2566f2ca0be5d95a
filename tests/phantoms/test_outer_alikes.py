import numpy as np

from ichnos.phantoms.fields import Points, ellipsoid
from ichnos.phantoms.outer_alikes import draw_fractures, draw_operated, draw_scalp, lone_ball, outward
from ichnos.phantoms.probe import Probe

PROBE = Probe(lambda points: ellipsoid(points, (0.0, 0.0, 0.0), (67.0, 85.0, 75.0)), -60.0, 80.0)


def test_a_place_moves_out_along_the_normal():
    x, y, z = outward(PROBE, (67.0, 0.0, 0.0), 5.0)
    assert np.allclose((x, y, z), (72.0, 0.0, 0.0), atol=0.2)


def test_haematomas_of_the_scalp_stay_in_it_and_look_like_blood():
    for seed in range(10):
        first = draw_scalp(np.random.default_rng(seed), PROBE)[0]
        assert first.place == "scalp"
        assert 40.0 <= first.hu <= 75.0
        assert first.swell_mm > 0.0


def test_surgery_leaves_air_metal_and_gaps_in_some():
    heads = [draw_operated(np.random.default_rng(seed), PROBE) for seed in range(40)]
    densities = [one.hu for head in heads for one in head]
    assert min(densities) < -900.0
    assert max(densities) > 2500.0
    assert all(any(one.place in ("bone", "outside") for one in head) for head in heads)


def test_cracks_are_in_bone():
    assert draw_fractures(np.random.default_rng(1), PROBE)[0].place == "bone"


def test_a_ball_is_negative_at_its_centre():
    here = Points(*(np.full((1, 1, 1), v, np.float32) for v in (1.0, 2.0, 3.0)))
    assert lone_ball((1.0, 2.0, 3.0), 4.0)(here, {})[0, 0, 0] == -2.0

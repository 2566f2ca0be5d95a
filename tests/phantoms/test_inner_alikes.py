import numpy as np

from ichnos.phantoms.fields import ellipsoid
from ichnos.phantoms.inner_alikes import draw_calcified, draw_infarct, draw_swollen, draw_tumour
from ichnos.phantoms.probe import Probe

PROBE = Probe(lambda points: ellipsoid(points, (0.0, 0.0, 0.0), (67.0, 85.0, 75.0)), -60.0, 80.0)


def test_calcium_runs_from_faint_to_dense():
    found = [one.hu for seed in range(60) for one in draw_calcified(np.random.default_rng(seed), PROBE)]
    assert 60.0 <= min(found) < 90.0
    assert 500.0 < max(found) <= 800.0


def test_a_tumour_is_denser_than_its_oedema():
    for seed in range(20):
        oedema, mass = draw_tumour(np.random.default_rng(seed), PROBE)[:2]
        assert oedema.place == "white"
        assert oedema.hu < 25.0 < 35.0 <= mass.hu <= 55.0


def test_infarcts_and_swelling_are_darker_than_brain():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert all(one.hu < 30.0 for one in draw_infarct(rng, PROBE))
        assert draw_swollen(rng, PROBE)[0].hu < 28.0

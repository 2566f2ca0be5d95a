import json

import numpy as np
import pytest
from tiny_scales import make_trace, save_traces

from ichnos.evaluation.reproduction.budget_curve import draw_curve, find_interval
from ichnos.evaluation.reproduction.content import read_parts

LABEL = np.zeros((1, 2, 2), bool)
LABEL[0, 0] = True  # two pixels
FOUND = {
    "no pretext": {2: [(0, 1), (1, 1)], 5: [(1, 2), (1, 2)]},
    "Binary classification": {2: [(2, 2), (1, 2)], 5: [(2, 2), (2, 2)]},
}
"""Pixels found by method, budget and seed, in each of two volumes that bleed; a third is healthy and bleeds here."""


def test_the_curve_is_of_volumes_that_bleed(tmp_path):
    needs, traces = {}, {}
    for method, sizes in FOUND.items():
        traces[method] = {}
        for size, seeds in sizes.items():
            names = []
            for seed, found in enumerate(seeds):
                name = f"{method}-{size}-{seed}"
                maps = [np.zeros((1, 2, 2)) for _ in found]
                for one, count in zip(maps, found, strict=True):
                    one.flat[:count] = 0.5
                cases = [make_trace(f"case {place}", one, LABEL) for place, one in enumerate(maps)]
                cases.append(make_trace("healthy", np.ones((1, 2, 2)), np.zeros((1, 2, 2), bool)))
                save_traces(cases, tmp_path / name)
                needs[name] = tmp_path / name
                names.append(name)
            traces[method][str(size)] = names
    settings = {"measured_on": "phantoms", "traces": traces, "baseline": "no pretext"}
    figures = draw_curve(tmp_path / "own", needs, settings)
    dice = {0: 0.0, 1: 2 / 3, 2: 1.0}
    for method, sizes in FOUND.items():
        for size, seeds in sizes.items():
            expected = np.mean([dice[count] for found in seeds for count in found])
            assert figures[method][str(size)] == pytest.approx(expected, abs=1e-4)
    (part,) = read_parts(tmp_path / "own")
    gain = part.tables[1].rows[0]
    assert gain[0] == "Binary classification"
    assert gain[1].startswith(f"{figures['Binary classification']['2'] - figures['no pretext']['2']:+.3f} (p ")
    assert "2 seeds and 2 test volumes" in part.tables[0].notes[0]
    assert (tmp_path / "own" / "pictures" / "label-efficient-budgets.png").is_file()
    json.dumps(figures)


def test_seeds_of_a_patient_are_not_independent():
    """Three equal seeds must not narrow the interval."""
    one = np.random.default_rng(0).random((1, 12))
    patients = np.arange(12)
    single, tripled = find_interval(one, patients), find_interval(np.repeat(one, 3, axis=0), patients)
    assert (tripled.low, tripled.high) == pytest.approx((single.low, single.high))

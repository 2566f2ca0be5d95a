from dataclasses import replace

import numpy as np
import pytest

from ichnos.phantoms.brain import draw_brain
from ichnos.phantoms.fields import Points
from ichnos.phantoms.head import draw_head, surfaces
from ichnos.phantoms.proportions import (
    widen_brain,
    widen_densities,
    widen_head,
    widen_scalp,
    widen_soft_tissue,
)
from ichnos.phantoms.tissue import draw_radiodensity

SEEDS = range(120)


def heads():
    return [widen_head(draw_head(np.random.default_rng(seed)), np.random.default_rng(seed + 1000)) for seed in SEEDS]


def test_heads_are_wider_than_those_of_the_first_version_but_human():
    index = [100.0 * 2 * h.half_width_mm / (h.front_mm + h.back_mm) for h in heads()]  # cephalic, inner
    assert min(index) < 72.0
    assert max(index) > 88.0
    assert 60.0 < min(index) <= max(index) < 100.0
    thickness = [h.skull_mm for h in heads()]
    assert min(thickness) < 4.0 < 11.0 < max(thickness) < 14.5
    assert 0.1 < np.mean([h.hyperostosis_mm > 0 for h in heads()]) < 0.4


def test_brains_run_from_tight_to_atrophic():
    brains = [widen_brain(draw_brain(np.random.default_rng(s)), np.random.default_rng(s + 1)) for s in SEEDS]
    assert min(b.atrophy for b in brains) < 0.1 < 1.2 < max(b.atrophy for b in brains) <= 1.35
    assert min(b.ventricle_scale for b in brains) < 0.65 < 1.7 < max(b.ventricle_scale for b in brains)
    assert np.mean([b.ventricle_skew > 0 for b in brains]) == pytest.approx(0.5, abs=0.15)


def test_densities_stay_in_their_ranges():
    for seed in SEEDS:
        hu = draw_radiodensity(np.random.default_rng(seed))
        wide = widen_soft_tissue(widen_densities(hu, np.random.default_rng(seed)), np.random.default_rng(seed))
        assert 15.0 < wide.white < wide.grey < 50.0
        assert 0.0 <= wide.cerebrospinal <= 16.0
        assert wide.fat < -50.0 < 30.0 <= wide.muscle <= 75.0
    assert 2.0 <= widen_scalp(draw_head(np.random.default_rng(0)), np.random.default_rng(0)).scalp_mm <= 13.0


def test_bone_inside_the_forehead_leaves_the_outer_table():

    plain = draw_head(np.random.default_rng(5))
    thick = replace(plain, hyperostosis_mm=6.0)
    y = np.linspace(30.0, 110.0, 161, dtype=np.float32)[None, None]
    line = Points(np.full_like(y, 18.0), y, np.full_like(y, 25.0))
    one, other = surfaces(plain, line), surfaces(thick, line)
    assert np.array_equal(one["skull"], other["skull"])
    assert np.array_equal(one["skin"], other["skin"])
    inner = [y[0, 0, np.argmax(found["cavity"][0, 0] > 0)] for found in (one, other)]
    assert 1.0 < inner[0] - inner[1] < 10.0

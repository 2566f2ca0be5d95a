from dataclasses import replace

import numpy as np
import pytest

from ichnos.phantoms.ageing import AGE_ODDS, AGES, age_bleeds
from ichnos.phantoms.bleed import Bleed
from ichnos.phantoms.features import Features
from ichnos.phantoms.fields import Points
from ichnos.phantoms.settings import SUBTYPES

SIDE = np.arange(-20.0, 21.0, 2.0, dtype=np.float32)
SPACE = Points(*(np.ascontiguousarray(p) for p in np.meshgrid(SIDE, SIDE, SIDE, indexing="ij")))
BALL = np.sqrt(sum(p**2 for p in SPACE)) - np.float32(15.0)


def made(subtype, **choices):
    return Bleed(subtype, lambda points, fields: BALL, 60.0, 2.0, **choices)


def with_features(seed, *names):
    return Features(seed, frozenset(names))


ALL = tuple(made(subtype, may_be_old=subtype == "subdural") for subtype in SUBTYPES)


def test_without_features_nothing_changes():
    assert age_bleeds(ALL, with_features(1)) == ALL


def test_ages_span_the_densities_of_blood_and_never_all_dark():
    assert sum(AGE_ODDS) == pytest.approx(1.0)
    assert len(AGE_ODDS) == len(AGES)
    seen, old = [], 0
    for seed in range(80):
        for bleed in age_bleeds(ALL, with_features(seed, "any-age")):
            shade = bleed.shade(SPACE, BALL)[BALL < 0] if bleed.shade else np.zeros(1)
            brightest = bleed.hu + float(shade.max())
            assert 24.0 <= brightest < 110.0
            seen.append(brightest)
            if bleed.upper_hu or (bleed.hu < 35.0 and bleed.subtype == "subdural"):
                old += 1
                assert brightest > 35.0
    assert min(seen) < 45.0
    assert max(seen) > 80.0
    assert 5 < old < 50


def test_a_bleed_does_not_change_with_those_of_other_subtypes():
    features = with_features(4, "any-age", "oedema", "fluid-levels")
    alone, together = age_bleeds(ALL[1:2], features)[0], age_bleeds(ALL, features)[1]
    assert (alone.hu, alone.upper_hu, alone.edge_mm) == (together.hu, together.upper_hu, together.edge_mm)
    assert len({bleed.edge_mm for bleed in age_bleeds(ALL, features)}) == len(SUBTYPES)
    assert np.array_equal(alone.halo(SPACE, BALL), together.halo(SPACE, BALL))


def test_cells_sink_to_the_back():
    settled = [age_bleeds((made("intraparenchymal"),), with_features(seed, "fluid-levels"))[0] for seed in range(20)]
    levels = [bleed.level(SPACE, BALL) for bleed in settled if bleed.level]
    assert 5 <= len(levels) <= 18
    for bleed, level in zip((b for b in settled if b.level), levels, strict=True):
        assert bleed.hu > bleed.upper_hu
        assert level[(SPACE.y < -13.0) & (BALL < 0)].mean() < 0.0 < level[(SPACE.y > 13.0) & (BALL < 0)].mean()


def test_only_brain_swells_around_its_bleed():
    swollen = age_bleeds(ALL, with_features(2, "oedema"))
    assert [bleed.subtype for bleed in swollen if bleed.halo] == ["intraparenchymal"]
    halo = swollen[1].halo(SPACE, BALL)
    assert (halo <= BALL).all()
    widths = [age_bleeds(ALL, with_features(s, "oedema"))[1].oedema_mm / 2.0 for s in range(40)]
    assert min(widths) < 2.0
    assert 12.0 < max(widths) <= 20.0


def test_a_level_that_is_there_stays():
    bleed = replace(made("subdural"), level=lambda points, region: region, upper_hu=20.0)
    assert all(age_bleeds((bleed,), with_features(seed, "fluid-levels"))[0] is bleed for seed in range(6))

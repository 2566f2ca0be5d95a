import numpy as np
import pytest

from ichnos.phantoms import SUBTYPES
from ichnos.phantoms.grown.bleeds import GrownHead, draw_grown_bleeds
from ichnos.phantoms.grown.brain import paint_brain
from ichnos.phantoms.grown.frame import make_frame
from ichnos.phantoms.grown.labels import Label
from ichnos.phantoms.grown.settings import GrownSettings
from ichnos.phantoms.grown.skull import draw_cavity, paint_head


@pytest.fixture(scope="module")
def head():
    frame, rng = make_frame((20, 56, 56), (7.0, 3.8, 3.8), -50.0), np.random.default_rng(1)
    cavity = draw_cavity(rng, frame)
    labels = paint_head(rng, frame, cavity)
    paint_brain(rng, frame, cavity, labels)
    return GrownHead(frame, cavity, labels)


def drawn(head, seed, *subtypes, odds=1.0):
    return draw_grown_bleeds(
        np.random.default_rng(seed), head, GrownSettings(subtypes=subtypes or SUBTYPES, bleed_probability=odds)
    )


@pytest.mark.parametrize("subtype", SUBTYPES)
def test_blood_stays_where_its_subtype_belongs(head, subtype):
    for seed in range(4):
        for bleed in drawn(head, seed, subtype):
            depth, labels = head.cavity.depth_mm[bleed.region], head.labels[bleed.region]
            assert depth.min() > 0.0
            assert 0.0 < np.count_nonzero(bleed.region) * head.voxel_ml < 150.0
            assert 30.0 <= bleed.hu.min() <= bleed.hu.max() <= 95.0
            if subtype == "intraventricular":
                assert set(labels) == {Label.VENTRICLE}
            if subtype == "subarachnoid":
                assert np.all((labels == Label.CSF) | (depth < 1.5))
            if subtype == "intraparenchymal":
                assert Label.VENTRICLE not in labels
            if subtype == "epidural":
                assert depth.max() < 25.0


def test_an_epidural_bleed_lies_on_one_side(head):
    (bleed,) = drawn(head, 3, "epidural")
    sides = np.sign(head.frame.x[bleed.region])
    assert abs(sides.sum()) == len(sides)


def test_no_voxel_bleeds_twice(head):
    found = [drawn(head, seed) for seed in range(6)]
    assert max(len(bleeds) for bleeds in found) > 1
    for bleeds in found:
        assert len({bleed.subtype for bleed in bleeds}) == len(bleeds)
        assert sum(bleed.region.astype(int) for bleed in bleeds).max() == 1


def test_without_odds_nothing_bleeds(head):
    assert drawn(head, 0, odds=0.0) == ()

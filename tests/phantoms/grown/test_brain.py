import numpy as np
import pytest

from ichnos.phantoms.grown.brain import draw_age, paint_brain
from ichnos.phantoms.grown.frame import make_frame
from ichnos.phantoms.grown.labels import Label
from ichnos.phantoms.grown.skull import draw_cavity, paint_head

FRAME = make_frame((22, 64, 64), (7.0, 3.4, 3.4), -60.0)


@pytest.fixture(scope="module")
def head():
    rng = np.random.default_rng(5)
    cavity = draw_cavity(rng, FRAME)
    labels = paint_head(rng, FRAME, cavity)
    outside = labels.copy()
    paint_brain(rng, FRAME, cavity, labels)
    return cavity, labels, outside


def test_only_the_cavity_is_painted(head):
    cavity, labels, outside = head
    assert np.array_equal(labels[~cavity.inside], outside[~cavity.inside])


def test_shares_of_tissue_are_those_of_a_brain(head):
    cavity, labels, _ = head
    share = {
        label: np.count_nonzero(labels[cavity.inside] == label) / np.count_nonzero(cavity.inside) for label in Label
    }
    assert 0.1 < share[Label.WHITE] < 0.6
    assert 0.1 < share[Label.GREY] < 0.65
    assert 0.002 < share[Label.VENTRICLE] < 0.12
    assert 0.02 < share[Label.CEREBELLUM] < 0.2
    assert 0.02 < share[Label.CSF] < 0.4


def test_cortex_lies_outside_white_matter(head):
    cavity, labels, _ = head
    depth = cavity.depth_mm
    assert depth[labels == Label.GREY].mean() < depth[labels == Label.WHITE].mean()


def test_cerebellum_lies_below_and_behind(head):
    _, labels, _ = head
    where = labels == Label.CEREBELLUM
    assert FRAME.y[where].max() < -5.0
    assert FRAME.z[where].max() < 25.0


def test_old_brains_hold_more_fluid_in_every_way():
    ages = sorted((draw_age(np.random.default_rng(seed)) for seed in range(40)), key=lambda age: age.sulcus)
    for name in ("gap_mm", "ventricle"):
        values = [getattr(age, name) for age in ages]
        assert np.mean(values[20:]) > np.mean(values[:20])

import numpy as np
import pytest
from scipy import ndimage

from ichnos.phantoms.grown.frame import make_frame
from ichnos.phantoms.grown.labels import Label
from ichnos.phantoms.grown.skull import draw_cavity, paint_head

FRAME = make_frame((26, 56, 56), (6.0, 4.0, 4.0), -70.0)


@pytest.fixture(scope="module")
def head():
    rng = np.random.default_rng(2)
    cavity = draw_cavity(rng, FRAME)
    return cavity, paint_head(rng, FRAME, cavity)


@pytest.mark.parametrize("seed", range(4))
def test_the_cavity_has_the_volume_of_a_head(seed):
    cavity = draw_cavity(np.random.default_rng(seed), FRAME)
    assert 1000.0 < np.count_nonzero(cavity.inside) * 6 * 4 * 4 / 1000 < 2000.0
    assert np.array_equal(cavity.inside, cavity.depth_mm > 0)


def test_bone_closes_the_vault(head):
    cavity, labels = head
    beside = ndimage.binary_dilation(cavity.inside, np.ones((1, 3, 3), bool)) & ~cavity.inside
    vault = beside & (FRAME.z > 25.0)
    assert np.isin(labels[vault], (Label.BONE, Label.DIPLOE)).mean() > 0.97


def test_layers_lie_outside_in_order(head):
    _, labels = head
    column = labels[np.argmin(np.abs(FRAME.z[:, 0, 0] - 40.0)), :, 28]
    present = [label for label in column if label != Label.AIR]
    assert present[0] in (Label.SKIN, Label.FAT)
    assert Label.BONE in present
    assert Label.CSF in present


def test_air_cells_and_orbits_lie_below_the_brain(head):
    cavity, labels = head
    for label in (Label.CAVE, Label.GLOBE):
        assert (labels == label).any()
        assert FRAME.z[labels == label].max() < 10.0
    assert np.all(labels[cavity.inside] == Label.CSF)

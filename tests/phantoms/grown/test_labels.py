import numpy as np

from ichnos.phantoms.grown.labels import DENSITIES_HU, Label, draw_densities


def test_every_label_has_a_density_in_its_range():
    assert set(DENSITIES_HU) == set(Label)
    for seed in range(5):
        hu = draw_densities(np.random.default_rng(seed))
        for label, (low, high) in DENSITIES_HU.items():
            assert low - 3.01 <= hu[label] <= high + 3.01


def test_tissues_keep_their_order():
    hu = draw_densities(np.random.default_rng(3))
    assert hu[Label.FAT] < hu[Label.CSF] < hu[Label.WHITE] < hu[Label.GREY] < hu[Label.BONE]
    assert hu[Label.AIR] == -1000.0

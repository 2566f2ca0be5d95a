import numpy as np
import pytest

from ichnos.phantoms.export import PADS_HU, Export, export, pad, shift_hu

RAMP = np.linspace(-1024.0, 1500.0, 3 * 20 * 28, dtype=np.float32).reshape(3, 20, 28).round()


def test_a_plain_export_is_a_clip():
    plain = Export((0.0, 255.0), 256, 1.0, 0.0)
    assert np.array_equal(export(plain, RAMP), np.clip(RAMP, 0.0, 255.0))


def test_few_levels_stay_within_half_a_level():
    coarse = export(Export((0.0, 255.0), 64, 1.0, 0.0), RAMP)
    assert len(np.unique(coarse)) <= 64
    assert np.abs(coarse - np.clip(RAMP, 0.0, 255.0)).max() <= 255 / 63 / 2 + 0.5


@pytest.mark.parametrize("made", [Export((0.0, 255.0), 256, 0.5, 0.0), Export((-20.0, 100.0), 256, 1.0, 8.0)])
def test_resized_and_compressed_images_keep_size_range_and_mean(made):
    image = export(made, RAMP)
    wanted = np.clip(RAMP, *made.window_hu)
    assert image.shape == RAMP.shape
    assert made.window_hu[0] <= image.min() <= image.max() <= made.window_hu[1]
    assert image.mean() == pytest.approx(wanted.mean(), abs=3.0)
    assert not np.array_equal(image, wanted)


def test_calibration_stays_within_its_limits():
    water = np.zeros((1, 4, 4), np.float32)
    shifts = [shift_hu(np.random.default_rng(seed), water)[0, 0, 0] for seed in range(50)]
    assert -8.0 <= min(shifts) < 0.0 < max(shifts) <= 8.0
    gains = [shift_hu(np.random.default_rng(seed), water + 1000.0)[0, 0, 0] for seed in range(50)]
    assert 940.0 < min(gains) < 990.0 < 1010.0 < max(gains) < 1060.0


def test_padding_is_written_in_the_corners_only():
    for seed in range(8):
        padded = pad(np.random.default_rng(seed), np.full((2, 40, 40), 30.0, np.float32))
        assert padded[0, 0, 0] in PADS_HU
        assert (padded[:, 10:30, 10:30] == 30.0).all()
        assert set(np.unique(padded)) <= {30.0, padded[0, 0, 0]}

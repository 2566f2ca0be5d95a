import numpy as np

from ichnos.phantoms.furniture import furnish
from ichnos.phantoms.grid import draw_grid
from ichnos.phantoms.settings import PhantomSettings

GRID = draw_grid(np.random.default_rng(0), PhantomSettings(slices=3, rows=64, columns=64))
AIR = np.full((64, 64), -1000.0, np.float32)


def test_things_are_drawn_into_the_air_and_differ_from_scan_to_scan():
    images = [furnish(np.random.default_rng(seed), AIR, GRID) for seed in range(20)]
    assert sum((image > -950.0).any() for image in images) > 14
    assert all(image.min() >= -1000.0 and image.max() <= 3000.0 for image in images)
    assert not np.array_equal(images[0], images[1])
    assert (AIR == -1000.0).all()
    assert np.array_equal(images[3], furnish(np.random.default_rng(3), AIR, GRID))

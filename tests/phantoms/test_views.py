import numpy as np

from ichnos.phantoms.features import draw_features
from ichnos.phantoms.grid import draw_grid
from ichnos.phantoms.settings import PhantomSettings
from ichnos.phantoms.views import draw_view

SETTINGS = PhantomSettings(slices=16, rows=48, columns=48)


def view(seed, odds):
    return draw_view(draw_features(seed, odds), np.random.default_rng(seed), SETTINGS)


def test_without_the_feature_the_grid_is_the_first_version():
    wide, plain = view(1, {}), draw_grid(np.random.default_rng(1), SETTINGS)
    assert np.array_equal(wide.geometry.origins_mm, plain.geometry.origins_mm)
    assert np.array_equal(wide.shift_mm, plain.shift_mm)
    assert np.array_equal(wide.plane_offsets_mm, plain.plane_offsets_mm)


def test_views_are_as_wide_as_promised():
    grids = [view(seed, {"wide-geometry": 1.0}) for seed in range(80)]
    gaps_mm = np.array([grid.geometry.spacing_mm[0] for grid in grids])
    views_mm = np.array([grid.pixel_mm * 48 for grid in grids])
    thickness_mm = np.array([grid.slab_mm * grid.planes for grid in grids])
    turned = np.array([np.degrees(np.arccos((np.trace(grid.turn) - 1.0) / 2.0)) for grid in grids])
    assert gaps_mm.min() < 3.0 < 9.0 < gaps_mm.max()
    assert 180.0 <= views_mm.min() < 200.0 < 300.0 < views_mm.max() <= 320.0
    assert thickness_mm.max() <= 10.0
    assert (thickness_mm < 0.8 * gaps_mm).any()
    assert (thickness_mm > gaps_mm).any()
    assert turned.max() > 15.0

import numpy as np
import pytest
from preprocessing.heads import ball_head
from pydantic import ValidationError

from ichnos.preprocessing.hu_window import HuWindow
from ichnos.preprocessing.recipe import PRESETS, Recipe
from ichnos.scans.scan import Scan


def test_channels_are_windows_standardised() -> None:
    recipe = Recipe(hu_windows=(HuWindow(40, 80), HuWindow(0, 2000)), image_size=2, mean=0.35, deviation=0.5)
    channels = recipe.make_channels(np.array([[[0.0, 80.0], [40.0, -2000.0]]], dtype=np.float32))
    brain = (np.array([[0.0, 1.0], [0.5, 0.0]]) - 0.35) / 0.5
    wide = (np.array([[0.5, 0.54], [0.52, 0.0]]) - 0.35) / 0.5
    np.testing.assert_allclose(channels, np.stack([brain, wide])[None], atol=1e-6)
    assert channels.dtype == np.float32


def test_a_recipe_survives_json() -> None:
    for recipe in PRESETS.values():
        assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize(
    "change",
    [
        {"image_size": 0},
        {"hu_windows": []},
        {"deviation": 0},
        {"zoom": 2},
        {"hu_windows": [{"level_hu": 40, "width_hu": 80, "shape": "round"}]},
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Recipe.model_validate({**PRESETS["paper"].model_dump(), **change})


def test_the_reference_scales_each_slice_from_its_own_range() -> None:
    recipe = PRESETS["reference"]
    slices_hu = np.stack([np.full((2, 2), -1000.0), [[-1000.0, 20.0], [50.0, 2000.0]]]).astype(np.float32)
    channels = recipe.make_channels(slices_hu)
    np.testing.assert_array_equal(channels[0, :, 0, 0], [-20.0, -90.0, -900.0])  # constant: left in HU, as released
    np.testing.assert_allclose(channels[1, 0], [[0.0, 40 / 120], [70 / 120, 1.0]], atol=1e-6)
    np.testing.assert_allclose(channels[1, 2], [[0.0, 920 / 2900], [950 / 2900, 1.0]], atol=1e-6)


def test_an_8_bit_export_looks_the_same_where_hu_are_cut_off():
    recipe = PRESETS["ichnos"].model_copy(update={"cut_off_hu": (0.0, 255.0), "image_size": 32})
    scan = ball_head(centre_mm=(8.0, 3.0, 0.0))
    exported = Scan(np.clip(scan.voxels_hu, 0.0, 255.0), scan.geometry)
    (grid, slices_hu), (same_grid, same_hu) = recipe.place(scan), recipe.place(exported)
    assert grid == same_grid
    np.testing.assert_array_equal(slices_hu, same_hu)
    assert slices_hu.max() < 255.01
    uncut = recipe.model_copy(update={"cut_off_hu": None})
    assert not np.allclose(uncut.place(scan)[1], uncut.place(exported)[1])

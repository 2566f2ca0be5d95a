from typing import get_args

import numpy as np
import pytest
import torch
from preprocessing.heads import ball_head
from segmentation.stubs import RECIPE, SEGMENTATION_NETWORK, bleeding_head, make_unet_checkpoint

from ichnos.models.outputs import KNOWN_LABELS
from ichnos.preprocessing.brain_mask import find_brain_mask
from ichnos.preprocessing.grid import ModelGrid
from ichnos.segmentation.foreground import VIEWS, detect_slices, gather_foreground
from ichnos.segmentation.segmentation import decide
from ichnos.segmentation.settings import View


def gather(outputs=1, batch_size=4, scan=None, **changes):
    checkpoint = make_unet_checkpoint(outputs)
    settings = SEGMENTATION_NETWORK.model_copy(update=changes)
    labels = KNOWN_LABELS[outputs]
    return gather_foreground(scan or bleeding_head(), checkpoint.model, RECIPE, settings, batch_size, labels=labels)


def by_hand(outputs, z, there=lambda image: image, back=lambda answer: answer):
    """Foreground probability of one slice, straight from the network's logits."""
    scan, model = bleeding_head(), make_unet_checkpoint(outputs).model
    grid = ModelGrid.place(scan, RECIPE.image_size, RECIPE.field_of_view_mm)
    pixels = torch.from_numpy(RECIPE.make_channels(grid.to_model(scan.voxels_hu)[z : z + 1]))
    with torch.no_grad():
        logits = model(torch.from_numpy(np.ascontiguousarray(there(pixels.numpy()[0]))[None])).double().numpy()[0]
    logits = np.stack([back(logit) for logit in logits])
    if outputs == 1:
        return grid, 1 / (1 + np.exp(-logits[0]))
    return grid, np.exp(logits[1]) / (np.exp(logits[0]) + np.exp(logits[1]))


@pytest.mark.parametrize("outputs", [1, 2])
def test_the_map_is_the_foreground_probability_on_the_scans_grid(outputs):
    evidence = gather(outputs)
    grid, expected = by_hand(outputs, 15)
    np.testing.assert_allclose(evidence.map[15], grid.to_scan(expected[None])[0], atol=1e-5)
    assert evidence.map.shape == evidence.scan.voxels_hu.shape


BY_HAND = {
    "mirrored": (lambda image: image[:, :, ::-1], lambda answer: answer[:, ::-1]),
    "upside-down": (lambda image: image[:, ::-1], lambda answer: answer[::-1]),
    "half-turn": (lambda image: image[:, ::-1, ::-1], lambda answer: answer[::-1, ::-1]),
    "quarter-turn": (lambda image: image.transpose(0, 2, 1)[:, ::-1], lambda answer: answer[::-1].T),
    "quarter-back": (lambda image: image.transpose(0, 2, 1)[:, :, ::-1], lambda answer: answer[:, ::-1].T),
}


@pytest.mark.parametrize("view", BY_HAND)
def test_answers_to_other_views_are_turned_back_and_averaged(view):
    grid, plain = by_hand(1, 15)
    _, turned = by_hand(1, 15, *BY_HAND[view])
    expected = grid.to_scan((plain + turned)[None] / 2)[0]
    np.testing.assert_allclose(gather(shown_as=("upright", view)).map[15], expected, atol=1e-5)
    assert np.abs(plain - turned).max() > 1e-3


def test_every_view_has_its_way_there_and_back():
    image = torch.arange(24.0).reshape(1, 1, 4, 6)
    assert set(VIEWS) == {"upright", *BY_HAND} == set(get_args(View))
    for there, back in VIEWS.values():
        assert torch.equal(back(there(image)), image)


def test_the_batch_size_changes_nothing():
    small, large = gather(batch_size=1), gather(batch_size=7)
    np.testing.assert_allclose(small.map, large.map, atol=1e-5)
    np.testing.assert_allclose(small.slice_probabilities, large.slice_probabilities, atol=1e-5)


def test_bleed_is_looked_for_in_the_cavity_unless_told_otherwise():
    brain = find_brain_mask(bleeding_head()).mask.voxels
    assert (gather().allowed == brain).all()
    everywhere = gather(within_brain=False)
    assert everywhere.allowed.all()
    low = float(everywhere.map[0].min())
    settings = SEGMENTATION_NETWORK.model_copy(update={"map_threshold": low, "within_brain": False})
    assert decide(everywhere, settings, {}).bleed_mask.voxels[0].all()


@pytest.mark.parametrize("minimum", [1, 3, 10])
def test_a_slice_is_positive_where_enough_pixels_reach_the_threshold(minimum):
    """The rule of ten pixels, at every threshold that could matter, by counting."""
    rng = np.random.default_rng(minimum)
    probabilities = rng.choice(np.linspace(0, 1, 14), (6, 5, 7)).astype(np.float32)
    looked_at = rng.random(probabilities.shape) < 0.6
    found = detect_slices(probabilities, looked_at, minimum)
    for threshold in np.unique(np.concatenate([probabilities.ravel(), np.float32([0.001, 0.5, 1.0])])):
        if threshold > 0:
            for z in range(len(found)):
                count = sum(value >= threshold for value in probabilities[z][looked_at[z]])
                assert (found[z] >= threshold) == (count >= minimum)


def test_nine_pixels_are_not_ten():
    probabilities = np.zeros((2, 8, 8), np.float32)
    probabilities[0].flat[:9] = 0.9
    probabilities[1].flat[:10] = 0.9
    assert detect_slices(probabilities, np.ones(probabilities.shape, bool), 10).tolist() == [0.0, np.float32(0.9)]
    assert detect_slices(probabilities[:, :2, :2], np.ones((2, 2, 2), bool), 10).tolist() == [0.0, 0.0]


def test_slices_without_brain_are_never_positive():
    scan = ball_head()
    evidence = gather(scan=scan)
    without = ~find_brain_mask(scan).mask.voxels.any(axis=(1, 2))
    assert without.any()
    assert not evidence.slice_probabilities[without].any()
    assert gather(scan=scan, within_brain=False).slice_probabilities[without].all()


def test_six_outputs_tell_subtypes_and_others_do_not():
    evidence = gather(6, shown_as=("upright", "mirrored"))
    scan, model = bleeding_head(), make_unet_checkpoint(6).model
    grid = ModelGrid.place(scan, RECIPE.image_size, RECIPE.field_of_view_mm)
    pixels = torch.from_numpy(RECIPE.make_channels(grid.to_model(scan.voxels_hu)[15:16]))
    with torch.no_grad():
        expected = (model(pixels).sigmoid() + model(pixels.flip(-1)).sigmoid().flip(-1))[0].numpy() / 2
    np.testing.assert_allclose(evidence.subtypes.probabilities[15], expected[:5], atol=1e-5)
    np.testing.assert_allclose(evidence.map[15], grid.to_scan(expected[5:])[0], atol=1e-5)
    result = decide(evidence, SEGMENTATION_NETWORK.model_copy(update={"map_threshold": 0.4}), {})
    assert result.volume_ml > 0
    np.testing.assert_array_equal(result.subtypes > 0, result.bleed_mask.voxels)
    assert sum(result.subtype_volumes_ml.values()) == pytest.approx(result.volume_ml)
    assert gather(1).subtypes is None
    assert decide(gather(1), SEGMENTATION_NETWORK, {}).subtype_volumes_ml == {}


def test_pieces_that_are_nowhere_dense_are_left_out_of_map_and_probability():
    plain = gather(map_threshold=0.3)
    kept = gather(map_threshold=0.3, bleed_hu=(-50.0, 3000.0), dense_share=1.0)
    np.testing.assert_array_equal(plain.map, kept.map)
    np.testing.assert_array_equal(plain.slice_probabilities, kept.slice_probabilities)
    faint = gather(map_threshold=0.3, bleed_hu=(3000.0, 3001.0), dense_share=0.1)
    found = plain.allowed & (plain.map >= 0.3)
    assert found.any()
    assert not faint.map[found].any()
    np.testing.assert_array_equal(faint.map[~found], plain.map[~found])
    assert not (faint.slice_probabilities >= 0.35).any()

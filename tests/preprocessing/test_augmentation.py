import math

import pytest
import torch
from pydantic import ValidationError

from ichnos.preprocessing.augmentation import AUGMENTATIONS, Augmentation
from ichnos.preprocessing.warp import lies_inside

STILL = {"flip": 0.0, "rotation_degrees": 0.0, "scale": 0.0, "shift": 0.0, "noise": 0.0}


def some_slices() -> torch.Tensor:
    return torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def apply(settings: dict[str, float], pixels: torch.Tensor, seed: int = 0) -> torch.Tensor:
    return Augmentation(**settings).apply(pixels, torch.Generator().manual_seed(seed))


def test_nothing_asked_changes_nothing() -> None:
    torch.testing.assert_close(apply(STILL, some_slices()), some_slices(), atol=1e-5, rtol=0)


def test_a_sure_flip_mirrors_left_and_right() -> None:
    torch.testing.assert_close(apply({**STILL, "flip": 1.0}, some_slices()), some_slices().flip(-1), atol=1e-5, rtol=0)


def test_about_half_of_the_slices_are_flipped() -> None:
    ramp = torch.linspace(0, 1, 16).expand(400, 1, 16, 16)
    flipped = apply({**STILL, "flip": 0.5}, ramp)[:, 0, 0, 0] > 0.5
    assert 0.4 < flipped.float().mean() < 0.6


def test_rotation_stays_within_its_limit_and_turns_both_ways() -> None:
    size = 65
    row, column = torch.meshgrid(torch.arange(size) - 32.0, torch.arange(size) - 32.0, indexing="ij")
    bar = (((row.abs() < 2) & (column > 0)).float() + 0.0).expand(60, 1, size, size)
    turned = apply({**STILL, "rotation_degrees": 20.0}, bar)
    angles = [math.degrees(math.atan2(float((t * row).sum()), float((t * column).sum()))) for t in turned[:, 0]]
    assert max(angles) > 10
    assert min(angles) < -10
    assert max(map(abs, angles)) < 20.5


def test_noise_has_the_asked_size_at_most() -> None:
    flat = torch.zeros(200, 1, 16, 16)
    deviations = apply({**STILL, "noise": 0.2}, flat).std(dim=(1, 2, 3))
    assert deviations.max() < 0.24
    assert 0.08 < deviations.mean() < 0.12


def test_same_generator_same_bits() -> None:
    first, second = (Augmentation().apply(some_slices(), torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, Augmentation().apply(some_slices(), torch.Generator().manual_seed(4)))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_noise_can_be_left_out_of_some_slices() -> None:
    noisy = apply({**STILL, "noise": 0.2, "noise_probability": 0.25}, torch.zeros(400, 1, 8, 8)).std(dim=(1, 2, 3)) > 0
    assert 0.18 < noisy.float().mean() < 0.32


def test_the_affine_change_can_be_left_out_of_some_slices_and_the_flip_not() -> None:
    settings = {**STILL, "affine": 0.25, "rotation_degrees": 45.0, "scale": 0.2, "shift": 0.1, "flip": 1.0}
    pixels = some_slices()[:1].expand(400, 3, 16, 16)
    still = (apply(settings, pixels) - pixels.flip(-1)).abs().amax(dim=(1, 2, 3)) < 1e-4
    assert 0.68 < still.float().mean() < 0.82


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_masks_go_with_their_slices_and_are_never_blurred(name: str) -> None:
    """A mask that is a channel of its slice too: where the moved channel is clear, the moved mask agrees."""
    masks = torch.zeros(60, 32, 32, dtype=torch.bool)
    masks[:, 6:18, 14:28] = True
    settings = AUGMENTATIONS[name].model_copy(update={"noise": 0.0, "contrast": None, "brightness": 0.0, "blur": None})
    moved, moved_masks = settings.apply_with_masks(masks[:, None].float(), masks, seeded())
    assert moved_masks.dtype == torch.bool
    assert not moved_masks[moved[:, 0] < 0.001].any()
    assert moved_masks[(moved[:, 0] > 0.999) & settings_inside(settings, masks)].all()
    assert moved_masks.any(dim=(1, 2)).all()
    if name != "none":
        assert (moved_masks != masks).any(dim=(1, 2)).float().mean() > 0.6


def settings_inside(settings: Augmentation, masks: torch.Tensor) -> torch.Tensor:
    return lies_inside(settings.draw_warp(masks[:, None].float(), seeded()))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_with_or_without_masks_slices_change_alike(name: str) -> None:
    masks = some_slices()[:, 0] > 0.5
    alone = AUGMENTATIONS[name].apply(some_slices(), seeded())
    assert torch.equal(AUGMENTATIONS[name].apply_with_masks(some_slices(), masks, seeded())[0], alone)
    assert torch.isfinite(alone).all()
    assert alone.shape == some_slices().shape


def test_soft_targets_keep_their_values() -> None:
    targets = torch.rand(4, 16, 16, generator=seeded(1))
    _, moved = AUGMENTATIONS["label-efficient"].apply_with_masks(some_slices(), targets, seeded())
    assert set(moved.flatten().tolist()) <= {0.0, *targets.flatten().tolist()}


def test_marks_of_several_bits_keep_their_values() -> None:
    marks = torch.randint(0, 256, (4, 16, 16), generator=seeded(1)).to(torch.uint8)
    _, moved = AUGMENTATIONS["label-efficient"].apply_with_masks(some_slices(), marks, seeded())
    assert moved.dtype == torch.uint8
    for before, after in zip(marks, moved, strict=True):
        assert set(after.flatten().tolist()) <= {0, *before.flatten().tolist()}


def test_contrast_is_a_gain_within_its_range_for_its_share_of_slices() -> None:
    gains = apply({**STILL, "contrast": (0.5, 1.4)}, torch.ones(400, 2, 4, 4))
    assert (gains == gains[:, :1, :1, :1]).all(), "one factor a slice"
    changed = gains[gains[:, 0, 0, 0] != 1, 0, 0, 0]
    assert 0.4 < len(changed) / 400 < 0.6
    assert 0.5 <= changed.min() < 0.55
    assert 1.35 < changed.max() <= 1.4


def test_contrast_about_the_mean_keeps_the_mean() -> None:
    settings = {**STILL, "contrast": (0.5, 0.5), "contrast_probability": 1.0, "contrast_about": "mean"}
    changed = apply(settings, some_slices())
    torch.testing.assert_close(changed.mean(dim=(2, 3)), some_slices().mean(dim=(2, 3)), atol=1e-5, rtol=0)
    torch.testing.assert_close(changed.std(dim=(2, 3)), some_slices().std(dim=(2, 3)) / 2, atol=1e-5, rtol=0)


def test_brightness_is_added_within_its_range_for_its_share_of_slices() -> None:
    added = apply({**STILL, "brightness": 0.25, "brightness_probability": 0.5}, torch.zeros(400, 1, 4, 4))[:, 0, 0, 0]
    assert 0.4 < (added != 0).float().mean() < 0.6
    assert -0.25 <= added.min() < -0.22
    assert 0.22 < added.max() <= 0.25


def test_what_leaves_the_range_is_clipped_after_each_change() -> None:
    """Doubled to 1.2 and clipped to 1, then darkened: never above what 1 could become."""
    settings = {**STILL, "contrast": (2.0, 2.0), "contrast_probability": 1.0, "brightness": 0.25, "clip": (0.0, 1.0)}
    changed = apply({**settings, "brightness_probability": 1.0}, torch.full((300, 1, 4, 4), 0.6))
    assert changed.max() == 1.0
    assert changed.min() == pytest.approx(0.75, abs=0.01)


def test_blur_takes_its_share_of_slices() -> None:
    pixels = some_slices()[:1].expand(400, 3, 16, 16)
    difference = (apply({**STILL, "blur": (0.5, 1.5)}, pixels) - pixels).abs().amax(dim=(1, 2, 3))
    assert 0.4 < (difference > 0.05).float().mean() < 0.6
    assert ((difference > 0.05) | (difference < 1e-4)).all()


def test_a_crop_shows_its_fraction_of_the_area() -> None:
    """Of a slice whose values are its columns (or rows), the range that is left tells the width of the crop."""
    ramp = torch.linspace(0, 1, 64).expand(300, 1, 64, 64)
    settings = {**STILL, "crop_area": (0.5, 1.0), "crop_ratio": (0.8, 1.25)}
    places = Augmentation(**settings).draw_warp(ramp, seeded()).places
    width, height = ((places[:, -1, -1] - places[:, 0, 0]) / 2 * 64 / 63).unbind(dim=1)
    assert places.abs().max() <= 1, "a crop never shows what lies beyond the edge"
    assert 0.48 < (width * height).min() < 0.53
    assert (width * height).max() > 0.95
    uncut = (width < 0.999) & (height < 0.999)
    assert 0.79 < (width / height)[uncut].min() < 0.85
    assert 1.18 < (width / height)[uncut].max() < 1.26
    centres = places.mean(dim=(1, 2))
    assert (centres.min(dim=0).values < -0.15).all()
    assert (centres.max(dim=0).values > 0.15).all()


def test_two_views_differ_and_share_their_geometry_if_asked() -> None:
    settings = AUGMENTATIONS["local-contrastive"].model_copy(update={"contrast": None, "brightness": 0.0, "blur": None})
    shared = settings.make_views(some_slices(), seeded(), shared_geometry=True)
    assert torch.equal(shared.first, shared.second), "no change of intensity is left, so views with one geometry agree"
    apart = settings.make_views(some_slices(), seeded())
    assert not torch.isclose(apart.first, apart.second).flatten(1).all(dim=1).any()


def test_views_with_one_geometry_still_differ_in_intensity() -> None:
    views = AUGMENTATIONS["local-contrastive"].make_views(
        some_slices().repeat(8, 1, 1, 1), seeded(), shared_geometry=True
    )
    differs = (views.first != views.second).flatten(1).any(dim=1)
    assert differs.float().mean() > 0.7


@pytest.mark.parametrize("shared", [True, False])
def test_views_tell_what_both_show_of_the_slice(shared: bool) -> None:
    """A slice of ones in a sea of zeros as a mask: what came from inside is 1 in both views."""
    settings = AUGMENTATIONS["local-contrastive"]
    pixels = torch.rand(30, 1, 32, 32, generator=seeded(1))
    views = settings.make_views(pixels, seeded(5), shared_geometry=shared)
    generator = seeded(5)
    places = settings.draw_warp(pixels, generator).places
    others = places if shared else settings.draw_warp(pixels, generator).places
    expected = torch.ones(30, 32, 32, dtype=torch.bool)
    for one in (places, others):
        for axis in range(2):
            expected &= (one[..., axis] >= -1) & (one[..., axis] <= 1)
    assert torch.equal(views.is_inside, expected)
    assert 0.3 < views.is_inside.float().mean() < 0.999


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_setting_of_the_papers_is_deterministic(name: str) -> None:
    first, again = (AUGMENTATIONS[name].make_views(some_slices(), seeded(3)) for _ in range(2))
    assert torch.equal(first.first, again.first)
    assert torch.equal(first.second, again.second)
    if name != "none":
        assert not torch.equal(first.first, first.second)


@pytest.mark.parametrize("name", ["global-contrastive", "local-contrastive"])
def test_channels_between_0_and_1_stay_there(name: str) -> None:
    changed = AUGMENTATIONS[name].apply(some_slices().repeat(20, 1, 1, 1), seeded())
    assert changed.min() >= 0
    assert changed.max() <= 1 + 1e-6


@pytest.mark.gpu
def test_slices_on_a_gpu_change_as_on_the_cpu() -> None:
    settings = AUGMENTATIONS["global-contrastive"]
    masks = some_slices()[:, 0] > 0.5
    expected, expected_masks = settings.apply_with_masks(some_slices(), masks, seeded())
    changed, changed_masks = settings.apply_with_masks(some_slices().cuda(), masks.cuda(), seeded())
    torch.testing.assert_close(changed.cpu(), expected, atol=1e-4, rtol=0)
    assert (changed_masks.cpu() != expected_masks).float().mean() < 0.01


def test_unknown_and_negative_settings_are_refused() -> None:
    with pytest.raises(ValidationError):
        Augmentation(hue=1.0)  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Augmentation(noise=-0.1)


@pytest.mark.parametrize("span", [(1.4, 0.5), (-0.1, 1.0)])
def test_ranges_that_are_none_are_refused(span: tuple[float, float]) -> None:
    with pytest.raises(ValidationError, match=r"is not an ascending range of numbers from 0"):
        Augmentation(contrast=span)


@pytest.mark.parametrize("name", ["crop_area", "crop_ratio"])
def test_an_empty_crop_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="a crop cannot be empty"):
        Augmentation(**{name: (0.0, 1.0)})


def test_settings_survive_json() -> None:
    for settings in AUGMENTATIONS.values():
        assert Augmentation.model_validate_json(settings.model_dump_json()) == settings

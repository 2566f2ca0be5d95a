import math

import pytest
import torch
from pydantic import ValidationError

from ichnos.preprocessing.augmentation import Augmentation

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


def test_unknown_and_negative_settings_are_refused() -> None:
    with pytest.raises(ValidationError):
        Augmentation(blur=1.0)  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Augmentation(noise=-0.1)

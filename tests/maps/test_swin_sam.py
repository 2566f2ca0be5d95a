import numpy as np
import pytest
import torch
from maps.nets import some_pixels, swin
from maps.oracle import Stage, Way, naive_maps

from ichnos.maps.methods import explain
from ichnos.maps.settings import choose_settings


@pytest.mark.parametrize(("preset", "last"), [("paper", (0, 0, 0, 0)), ("reference", (0, 2, 0, 2))])
def test_equals_a_slow_transcription_over_all_stages(preset: str, last: tuple[int, ...]) -> None:
    model, pixels = swin().double(), some_pixels(1).double()
    layout = {1: Stage(4, 8, (0, 2)), 2: Stage(4, 4, last)}
    expected, _ = naive_maps(model, pixels, layout, 1, Way(weighted=False))
    maps = explain(model, pixels, choose_settings("swin-sam", preset), (1,)).maps[:, 0]
    np.testing.assert_allclose(maps.numpy(), expected, atol=1e-6)


def test_presets_differ_where_the_last_grid_is_one_tile() -> None:
    model, pixels = swin(), some_pixels(1)
    maps = [explain(model, pixels, choose_settings("swin-sam", preset), (1,)).maps for preset in ("paper", "reference")]
    assert not torch.allclose(maps[0], maps[1], atol=1e-2)


def test_no_gradient_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.autograd, "grad", None)
    found = explain(swin(), some_pixels(1), choose_settings("swin-sam"), (0, 1))
    assert torch.equal(found.maps[:, 0], found.maps[:, 1])
    assert not found.logits.requires_grad

"""HGI-SAM against a slow transcription of Eq. 2 that shares no code with it."""

import numpy as np
import pytest
import torch
from maps.nets import some_pixels, swin
from maps.oracle import Stage, Way, naive_maps
from torch import nn

from ichnos.errors import UsageError
from ichnos.maps.hgi_sam import hgi_sam, weigh_heads
from ichnos.maps.methods import explain
from ichnos.maps.settings import MapSettings, choose_settings
from ichnos.models.create import create_model

LAYOUTS = {
    32: {1: Stage(4, 8, (0, 2)), 2: Stage(4, 4, (0, 0, 0, 0))},
    36: {1: Stage(4, 9, (0, 2)), 2: Stage(4, 5, (0, 2, 0, 2))},  # grids that need padding
}
ODD = {
    32: {1: Stage(4, 8, (0, 2)), 2: Stage(4, 4, (0, 2, 0, 2))},  # rolled though it was not shifted
    36: LAYOUTS[36],
}


def settings_of(preset: str, **changes: object) -> MapSettings:
    return choose_settings("hgi-sam", preset).model_copy(update={"stages": None, **changes})


@pytest.mark.parametrize("size", LAYOUTS)
@pytest.mark.parametrize("target", [0, 1])
def test_paper_equals_a_slow_transcription(size: int, target: int) -> None:
    model, pixels = swin(size).double(), some_pixels(2, size).double()
    maps, logits = hgi_sam(model, pixels, (1, 2), target)
    expected, expected_logits = naive_maps(model, pixels, LAYOUTS[size], target)
    np.testing.assert_allclose(maps.numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(logits.numpy(), expected_logits, atol=1e-9)


@pytest.mark.parametrize("size", LAYOUTS)
@pytest.mark.parametrize("count", [1, 2])
def test_reference_equals_a_slow_transcription(size: int, count: int) -> None:
    model, pixels = swin(size).double(), some_pixels(count, size).double()
    maps = explain(model, pixels, settings_of("reference"), (1,)).maps[:, 0]
    expected, _ = naive_maps(model, pixels, ODD[size], 1, Way(gradient_of="logits", together=True))
    np.testing.assert_allclose(maps.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {"norm_over": "image"},
        {"pairs": "mean"},
        {"fusion": "mean"},
        {"gradient_of": "logits"},
        {"gradient_of": "logits", "norm_over": "image", "pairs": "mean", "fusion": "mean"},
    ],
    ids=lambda changes: ",".join(f"{key}={value}" for key, value in changes.items()),
)
def test_every_ablation_equals_a_slow_transcription(changes: dict[str, str]) -> None:
    model, pixels = swin(36).double(), some_pixels(2, 36).double()
    maps = explain(model, pixels, settings_of("paper", **changes), (1,)).maps[:, 0]
    expected, _ = naive_maps(model, pixels, LAYOUTS[36], 1, Way(**changes))
    np.testing.assert_allclose(maps.numpy(), expected, atol=1e-6)
    plain = explain(model, pixels, settings_of("paper"), (1,)).maps[:, 0]
    assert not torch.allclose(maps, plain, atol=1e-3), "the choice changes nothing"


def test_tiles_of_the_papers_size_equal_a_slow_transcription() -> None:
    model, pixels = swin(96, 12, (2, 2), embed_dim=8).double(), some_pixels(1, 96).double()
    layout = {1: Stage(12, 24, (0, 6)), 2: Stage(12, 12, (0, 0))}
    np.testing.assert_allclose(
        hgi_sam(model, pixels, (1, 2))[0].numpy(), naive_maps(model, pixels, layout, 1)[0], atol=1e-6
    )


def test_single_precision_is_near() -> None:
    model, pixels = swin(), some_pixels(2)
    precise = hgi_sam(swin().double(), pixels.double(), (1, 2))[0]
    torch.testing.assert_close(hgi_sam(model, pixels, (1, 2))[0].double(), precise, atol=2e-5, rtol=0)


def test_half_precision_weights_give_single_precision_maps() -> None:
    maps, _ = hgi_sam(swin().bfloat16(), some_pixels(2), (1, 2))
    assert maps.dtype == torch.float32
    assert float((maps - hgi_sam(swin(), some_pixels(2), (1, 2))[0]).abs().mean()) < 0.05


def test_one_forward_pass_serves_all_targets() -> None:
    model, pixels = swin(outputs=6), some_pixels(2)
    passes = []
    model.register_forward_hook(lambda *_: passes.append(1))
    together = explain(model, pixels, settings_of("paper"), (5, 0, 3))
    assert len(passes) == 1
    for place, target in enumerate((5, 0, 3)):
        alone = hgi_sam(model, pixels, (1, 2), target)[0]
        torch.testing.assert_close(together.maps[:, place], alone, atol=1e-5, rtol=0)
    assert not torch.allclose(together.maps[:, 0], together.maps[:, 1], atol=1e-2)


def test_one_sigmoid_output_is_explained() -> None:
    maps, logits = hgi_sam(swin(outputs=1), some_pixels(2), (1, 2), target=0)
    assert maps.shape == (2, 32, 32)
    assert logits.shape == (2, 1)


def test_without_head_weighting_it_is_swin_sam() -> None:
    model, pixels = swin(), some_pixels(1)
    plain = explain(model, pixels, settings_of("paper", weigh_heads=False), (1,))
    assert torch.equal(plain.maps, explain(model, pixels, choose_settings("swin-sam"), (1,)).maps)


def test_stage_maps_come_along() -> None:
    found = explain(swin(), some_pixels(2), settings_of("paper"), (1, 0))
    assert found.stages is not None
    assert found.stages.shape == (2, 2, 2, 32, 32)
    fused = found.stages.prod(dim=2)
    low, high = fused.amin((2, 3), keepdim=True), fused.amax((2, 3), keepdim=True)
    torch.testing.assert_close((fused - low) / (high - low), found.maps)


def test_a_logit_that_nothing_moves_gives_zeros_not_nan() -> None:
    model = swin()
    nn.init.zeros_(model.transformer.classifier.weight)
    maps, _ = hgi_sam(model, some_pixels(2), (1, 2))
    assert torch.equal(maps, torch.zeros(2, 32, 32))


def test_works_inside_no_grad() -> None:
    model, pixels = swin(), some_pixels(1)
    with torch.no_grad():
        inside = hgi_sam(model, pixels, (1, 2))[0]
    torch.testing.assert_close(inside, hgi_sam(model, pixels, (1, 2))[0])


def test_blocks_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(UsageError, match="stage 2 has 1 blocks, which do not pair up"):
        hgi_sam(swin(depths=(2, 1)), some_pixels(1), (1, 2))
    alone = explain(swin(depths=(2, 1)), some_pixels(1), settings_of("paper", pairs="mean"), (1,))
    assert alone.maps.max() == 1


def test_no_gradient_of_an_attention_is_kept() -> None:
    """Of all gradients that pass an attention only one, that of the first block, is given back."""
    model, sizes = swin(), []
    grad = torch.autograd.grad

    def watch(*arguments: object, **named: object) -> tuple[torch.Tensor, ...]:
        found = grad(*arguments, **named)
        sizes.append(len(found))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.autograd, "grad", watch)
        explain(model, some_pixels(1), settings_of("paper"), (0, 1))
    assert sizes == [1, 1]


def test_the_gradient_goes_no_further_back_than_it_must() -> None:
    model, pixels = swin(), some_pixels(1).requires_grad_()
    hgi_sam(model, pixels, (2,))
    assert pixels.grad is None
    assert all(parameter.grad is None for parameter in model.parameters())


def test_heads_are_weighed_by_hand() -> None:
    looks = torch.tensor([[[0.375, 0.625], [0.5, 0.5]]])
    expected = [[(5 * 0.375 + 2 * 0.5) / 2, (5 * 0.625 + 2 * 0.5) / 2]]
    torch.testing.assert_close(weigh_heads(looks, torch.tensor([[5.0, 2.0]])), torch.tensor(expected))


@pytest.mark.parametrize("value", [0.0, 0.37, 2.0])
def test_a_constant_image_gives_a_zero_map(value: float) -> None:
    """With no position bias, as in a fresh network, nothing tells one token from another."""
    torch.manual_seed(0)
    arguments = {"image_size": 32, "tile_size": 4, "depths": (2, 2), "attn_heads": (2, 4), "embed_dim": 16}
    fresh = create_model("swin", arguments).eval()
    assert not hgi_sam(fresh, torch.full((2, 3, 32, 32), value), (1, 2))[0].any()


def test_a_batch_that_is_worked_on_in_parts_gives_the_same_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pixels = swin().double(), some_pixels(5).double()
    whole = explain(model, pixels, settings_of("paper"), (0, 1))
    passes = []
    model.register_forward_hook(lambda *_: passes.append(1))
    monkeypatch.setattr("ichnos.maps.hgi_sam._PIXELS_AT_ONCE", 2 * 32 * 32)
    parts = explain(model, pixels, settings_of("paper"), (0, 1))
    assert len(passes) == 3
    torch.testing.assert_close(parts.maps, whole.maps, atol=1e-9, rtol=0)
    explain(model, pixels, settings_of("reference"), (1,))
    assert len(passes) == 4, "what is normalised together is not taken apart"

import pytest
import torch
from maps.nets import some_pixels, swin

from ichnos.maps.attn_heads import gradient_norms, mean_over_queries, tiles_per_slice
from ichnos.maps.recorder import BlockAttention, Recording, record_attention
from ichnos.maps.settings import choose_settings

PAPER = choose_settings("hgi-sam")


@pytest.fixture(scope="module")
def recorded() -> tuple[Recording, torch.Tensor]:
    model = swin(36)
    with record_attention(model, (1, 2)) as recording:
        logits = model(some_pixels(2, 36))
    return recording, logits


def test_without_gradients_all_tiles_have_the_same_mean() -> None:
    """Rows of attention sum to 1: only per-tile gradient norms make contrast between tiles."""
    with torch.no_grad(), record_attention(model := swin(), (1, 2)) as recording:
        model(some_pixels(2))
    for block in recording.blocks:
        means = mean_over_queries(block).mean(dim=(1, 2))
        torch.testing.assert_close(means, torch.full_like(means, 1 / 16))


def test_norms_by_hand() -> None:
    block = BlockAttention(torch.zeros(2, 1, 2, 2), 1, 0, (1, 2), 0, (1, 4))
    gradient = torch.tensor([[[[3.0, 0.0], [0.0, 4.0]]], [[[0.0, 0.0], [12.0, 0.0]]]])
    torch.testing.assert_close(gradient_norms(block, gradient, PAPER), torch.tensor([[5.0], [12.0]]))
    whole = gradient_norms(block, gradient, PAPER.model_copy(update={"norm_over": "image"}))
    torch.testing.assert_close(whole, torch.tensor([[13.0], [13.0]]))


def test_the_gradient_before_the_softmax_is_that_of_autograd() -> None:
    """w (g - sum w g), and it is not the gradient after the softmax."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 2, 5, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = logits.softmax(-1)
    moved = torch.randn(3, 2, 5, 5, generator=generator, dtype=torch.float64) * weights
    flow, expected = torch.autograd.grad(moved.sin().sum(), (weights, logits))
    block = BlockAttention(weights, 1, 0, (1, 5), 0, (1, 5))
    norms = gradient_norms(block, flow, PAPER.model_copy(update={"gradient_of": "logits"}))
    torch.testing.assert_close(norms, expected.square().sum((2, 3)).sqrt())
    assert not torch.allclose(norms, gradient_norms(block, flow, PAPER), rtol=0.05)


def test_a_norm_over_the_image_is_shared_by_its_tiles_only(recorded: tuple[Recording, torch.Tensor]) -> None:
    block = recorded[0].blocks[0]
    flow = torch.randn(block.weights.shape, generator=torch.Generator().manual_seed(0))
    apart = gradient_norms(block, flow, PAPER)
    whole = gradient_norms(block, flow, PAPER.model_copy(update={"norm_over": "image"}))
    tiles = tiles_per_slice(block)
    assert (tiles, len(whole)) == (9, 18)
    for number in range(2):
        part = slice(number * tiles, (number + 1) * tiles)
        expected = apart[part].square().sum(0).sqrt()
        torch.testing.assert_close(whole[part], expected.expand(tiles, -1))


def test_extra_tokens_neither_look_nor_are_looked_at() -> None:
    weights = torch.rand(1, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    block = BlockAttention(weights, 1, 0, (2, 2), 0, (2, 2), extra_tokens=1)
    torch.testing.assert_close(mean_over_queries(block), weights[:, :, 1:, 1:].mean(2))

import pytest
import torch
from maps.nets import some_pixels, swin

from ichnos.maps.attn_heads import gradient_norms, mean_over_queries, norm_of_product, tiles_per_slice
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


def test_norms_are_those_of_the_materialised_gradient(recorded: tuple[Recording, torch.Tensor]) -> None:
    recording, logits = recorded
    for block in recording.blocks:
        flow, whole = torch.autograd.grad(logits[:, 1].sum(), (block.outputs, block.weights), retain_graph=True)
        expected = whole.square().sum((2, 3)).sqrt()
        torch.testing.assert_close(gradient_norms(block, flow, PAPER), expected, rtol=1e-4, atol=1e-9)


def test_the_gradient_before_the_softmax_is_that_of_autograd() -> None:
    """w (g - sum w g), and it is not the gradient after the softmax."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 2, 5, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    values = torch.randn(3, 2, 5, 4, generator=generator, dtype=torch.float64)
    weights = logits.softmax(-1)
    outputs = weights @ values
    flow, expected = torch.autograd.grad(outputs.sin().sum(), (outputs, logits))
    block = BlockAttention(weights, values, outputs, 1, 0, (1, 5), 0, (1, 5))
    norms = gradient_norms(block, flow, PAPER.model_copy(update={"gradient_of": "logits"}))
    torch.testing.assert_close(norms, expected.square().sum((2, 3)).sqrt())
    assert not torch.allclose(norms, gradient_norms(block, flow, PAPER), rtol=0.05)


@pytest.mark.parametrize(("queries", "keys", "width"), [(144, 144, 8), (16, 16, 32), (50, 36, 4)])
def test_both_ways_to_the_norm_agree(queries: int, keys: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(3, 2, queries, width, generator=generator)
    right = torch.randn(3, 2, keys, width, generator=generator)
    torch.testing.assert_close(norm_of_product(left, right), torch.linalg.matrix_norm(left @ right.mT))


def test_a_norm_over_the_image_is_shared_by_its_tiles_only(recorded: tuple[Recording, torch.Tensor]) -> None:
    block = recorded[0].blocks[0]
    flow = torch.randn(block.outputs.shape, generator=torch.Generator().manual_seed(0))
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
    values = torch.zeros(1, 2, 5, 3)
    block = BlockAttention(weights, values, values, 1, 0, (2, 2), 0, (2, 2), extra_tokens=1)
    torch.testing.assert_close(mean_over_queries(block), weights[:, :, 1:, 1:].mean(2))

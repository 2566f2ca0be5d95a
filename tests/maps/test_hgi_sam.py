"""HGI-SAM against a slow transcription of Eq. 2 that shares no code with it."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn
from transformers.models.swin.modeling_swin import SwinAttention, window_partition

from ichnos.errors import UsageError
from ichnos.maps.hgi_sam import assemble_grid, hgi_sam, stretch_to_unit, weigh_heads
from ichnos.maps.recorder import BlockAttention
from ichnos.models.create import create_model


def make_model(image_size: int = 32, tile_size: int = 4, depths: tuple[int, ...] = (2, 4)) -> nn.Module:
    torch.manual_seed(0)
    heads = (2, 4, 8)[: len(depths)]
    arguments = {
        "image_size": image_size,
        "tile_size": tile_size,
        "depths": depths,
        "attn_heads": heads,
        "embed_dim": 16,
    }
    model = create_model("swin", arguments).eval()
    for parameter in model.parameters():  # livelier attention than a fresh network has
        torch.nn.init.normal_(parameter, std=0.2) if parameter.ndim > 1 else None
    return model


def some_pixels(count: int, size: int) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(2))


def resize_slowly(values: np.ndarray, size: int) -> np.ndarray:
    """Bilinear with half-pixel centres and clamped edges, one pixel at a time."""
    out = np.zeros((size, size))
    for row, column in itertools.product(range(size), repeat=2):
        weights = []
        for place, length in ((row, values.shape[0]), (column, values.shape[1])):
            at = min(max((place + 0.5) * length / size - 0.5, 0.0), length - 1.0)
            low = min(math.floor(at), length - 1)
            weights.append(((low, 1 - (at - low)), (min(low + 1, length - 1), at - low)))
        for (i, a), (j, b) in itertools.product(*weights):
            out[row, column] += a * b * values[i, j]
    return out


def naive_maps(  # noqa: C901 - slow on purpose, one loop an index
    model: nn.Module, pixels: torch.Tensor, layout: dict[int, tuple[int, int, list[int]]]
) -> np.ndarray:
    """Eq. 2 with loops. `layout`: stage -> (tile side, grid side, shift of each block)."""
    model.transformer.set_attn_implementation("eager")
    caught: list[torch.Tensor] = []
    attentions = [module for module in model.modules() if isinstance(module, SwinAttention)]

    def catch(_module: nn.Module, _inputs: object, outputs: tuple[torch.Tensor, torch.Tensor]) -> None:
        outputs[1].retain_grad()
        caught.append(outputs[1])

    hooks = [module.register_forward_hook(catch) for module in attentions]
    results = []
    for image in pixels:
        caught.clear()
        model.zero_grad()
        model(image[None])[0, 1].backward()
        weights = iter([(weight.detach().double().numpy(), weight.grad.double().numpy()) for weight in caught])
        fused = np.ones(image.shape[1:])
        for side, grid, shifts in layout.values():
            blocks = []
            for shift in shifts:
                attention, gradient = next(weights)
                padded = math.ceil(grid / side) * side
                tokens = np.zeros((padded, padded))
                for tile in range(len(attention)):
                    key_map = np.zeros(side * side)
                    for head in range(attention.shape[1]):
                        norm = math.sqrt((gradient[tile, head] ** 2).sum())
                        for query in range(side * side):
                            key_map += norm * attention[tile, head, query] / attention.shape[1] / (side * side)
                    top, left = divmod(tile, padded // side)
                    for key in range(side * side):
                        row, column = top * side + key // side, left * side + key % side
                        tokens[(row + shift) % padded, (column + shift) % padded] = key_map[key]
                blocks.append(tokens[:grid, :grid])
            stage = np.mean([blocks[i] * blocks[i + 1] for i in range(0, len(blocks), 2)], axis=0)
            fused *= resize_slowly((stage - stage.min()) / (stage.max() - stage.min()), image.shape[1])
        results.append((fused - fused.min()) / (fused.max() - fused.min()))
    for hook in hooks:
        hook.remove()
    model.transformer.set_attn_implementation("sdpa")
    return np.stack(results)


@pytest.mark.parametrize(
    ("size", "layout"),
    [
        (32, {1: (4, 8, [0, 2]), 2: (4, 4, [0, 0, 0, 0])}),
        (36, {1: (4, 9, [0, 2]), 2: (4, 5, [0, 2, 0, 2])}),  # grids that need padding
    ],
)
def test_equals_a_slow_transcription_of_the_paper(size: int, layout: dict[int, tuple[int, int, list[int]]]) -> None:
    model, pixels = make_model(size), some_pixels(2, size)
    maps, logits = hgi_sam(model, pixels, stages=tuple(layout))
    np.testing.assert_allclose(maps.numpy(), naive_maps(model, pixels, layout), atol=2e-5)
    with torch.no_grad():
        torch.testing.assert_close(logits, model(pixels), atol=1e-5, rtol=0)


def test_a_map_does_not_depend_on_its_batch() -> None:
    model, pixels = make_model(), some_pixels(3, 32)
    together, _ = hgi_sam(model, pixels, (1, 2))
    alone = torch.cat([hgi_sam(model, pixels[i : i + 1], (1, 2))[0] for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_maps_span_zero_to_one_and_repeat() -> None:
    model, pixels = make_model(), some_pixels(2, 32)
    first, second = hgi_sam(model, pixels, (1, 2))[0], hgi_sam(model, pixels, (1, 2))[0]
    assert torch.equal(first, second)
    torch.testing.assert_close(first.amax((1, 2)), torch.ones(2))
    torch.testing.assert_close(first.amin((1, 2)), torch.zeros(2))


def test_a_score_that_nothing_moves_gives_zeros_not_nan() -> None:
    model = make_model()
    nn.init.zeros_(model.transformer.classifier.weight)
    maps, _ = hgi_sam(model, some_pixels(2, 32), (1, 2))
    assert torch.equal(maps, torch.zeros(2, 32, 32))


def test_the_model_is_left_as_it_was() -> None:
    model = make_model().train()
    frozen = next(model.parameters())
    frozen.requires_grad_(False)
    hgi_sam(model, some_pixels(1, 32), (1, 2))
    assert all(module.training for module in model.modules())
    assert [parameter.requires_grad for parameter in model.parameters()].count(False) == 1
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.transformer.config._attn_implementation == "sdpa"


def test_works_inside_no_grad() -> None:
    model, pixels = make_model(), some_pixels(1, 32)
    with torch.no_grad():
        inside = hgi_sam(model, pixels, (1, 2))[0]
    torch.testing.assert_close(inside, hgi_sam(model, pixels, (1, 2))[0])


def test_blocks_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(UsageError, match="stage 2 has 1 blocks"):
        hgi_sam(make_model(depths=(2, 1)), some_pixels(1, 32), (1, 2))


def test_the_target_decides_the_map() -> None:
    model, pixels = make_model(), some_pixels(1, 32)
    assert not torch.allclose(hgi_sam(model, pixels, (1, 2), target=0)[0], hgi_sam(model, pixels, (1, 2), target=1)[0])


@pytest.mark.parametrize(("rows", "columns", "shift"), [(8, 8, 0), (8, 12, 2), (9, 6, 1)])
def test_assembling_undoes_shift_and_partition(rows: int, columns: int, shift: int) -> None:
    grid = torch.arange(2 * rows * columns, dtype=torch.float32).reshape(2, rows, columns)
    padded = nn.functional.pad(grid, (0, -columns % 4, 0, -rows % 4))
    rolled = torch.roll(padded, (-shift, -shift), dims=(1, 2))
    tiles = window_partition(rolled[..., None], 4).reshape(-1, 16)
    block = BlockAttention(torch.zeros(len(tiles), 1, 16, 16), 1, 4, shift, (rows, columns))
    assert torch.equal(assemble_grid(block, tiles), grid)


def test_heads_are_weighed_by_hand() -> None:
    weights = torch.tensor([[[[0.25, 0.75], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]]]])
    gradients = torch.tensor([[[[3.0, 0.0], [0.0, 4.0]], [[0.0, 0.0], [0.0, 2.0]]]])  # norms 5 and 2
    expected = [[(5 * 0.375 + 2 * 0.5) / 2, (5 * 0.625 + 2 * 0.5) / 2]]
    torch.testing.assert_close(weigh_heads(weights, gradients), torch.tensor(expected))


def test_without_gradients_all_tiles_have_the_same_mean() -> None:
    """Rows of attention sum to 1: only per-tile gradient norms make contrast between tiles."""
    weights = torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0)).softmax(-1)
    even = weigh_heads(weights, torch.full_like(weights, 1 / 16))
    torch.testing.assert_close(even.mean(dim=1), torch.full((6,), 1 / 16))


def test_stretching_is_per_slice_and_guards_blank_ones() -> None:
    maps = torch.stack([torch.arange(4.0).reshape(2, 2), torch.full((2, 2), 7.0)])
    expected = torch.stack([torch.arange(4.0).reshape(2, 2) / 3, torch.zeros(2, 2)])
    torch.testing.assert_close(stretch_to_unit(maps), expected)

"""HGI-SAM once more, written from the paper and slow on purpose: loops, float64, materialised gradients.

Shares no code with `ichnos.maps`; even attention is computed anew. How blocks tile and shift their
grids is told by the test, not asked of the network.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel


@dataclass(frozen=True)
class Stage:
    """By hand: sides of a tile and of the grid in tokens, and what each block of the stage rolls back by."""

    tile: int
    grid: int
    rolls: tuple[int, ...]


@dataclass(frozen=True)
class Way:
    """What to compute."""

    gradient_of: str = "weights"
    norm_over: str = "tile"
    pairs: str = "product"
    fusion: str = "product"
    weighted: bool = True
    together: bool = False


_CAUGHT: list[tuple[Tensor, Tensor]] = []


def _attention(module, query, key, value, attention_mask, scaling=None, dropout=0.0, **_):
    scores = torch.einsum("tqd,tkd->tqk", query.flatten(0, 1), key.flatten(0, 1)).unflatten(0, query.shape[:2])
    scores = scores * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    powers = torch.exp(scores - scores.amax(-1, keepdim=True).detach())
    weights = powers / powers.sum(-1, keepdim=True)
    _CAUGHT.append((scores, weights))
    return torch.einsum("thqk,thkd->tqhd", weights, value), weights


AttentionInterface.register("oracle", _attention)


def naive_maps(
    model: nn.Module, pixels: Tensor, layout: dict[int, Stage], target: int, way: Way = Way()
) -> tuple[np.ndarray, np.ndarray]:
    """Maps (slices, rows, columns) and logits."""
    transformer = next(module for module in model.modules() if isinstance(module, PreTrainedModel))
    before = transformer.config._attn_implementation
    transformer.set_attn_implementation("oracle")
    stages: list[list[np.ndarray]] = [[] for _ in layout]
    logits = []
    for image in pixels.double():
        _CAUGHT.clear()
        logit = model(image[None])[0]
        recorded = list(_CAUGHT)
        asked = [scores if way.gradient_of == "logits" else weights for scores, weights in recorded]
        gradients = torch.autograd.grad(logit[target], asked)
        blocks = iter([(w.detach().numpy(), g.numpy()) for (_, w), g in zip(recorded, gradients, strict=True)])
        logits.append(logit.detach().numpy())
        grids = [[_grid(*next(blocks), stage, roll, way) for roll in stage.rolls] for stage in layout.values()]
        for number, grid in enumerate(grids):
            stages[number].append(_pair(grid, way))
    transformer.set_attn_implementation(before)
    return _fuse(stages, pixels.shape[2], way), np.stack(logits)


def _grid(weights: np.ndarray, gradient: np.ndarray, stage: Stage, roll: int, way: Way) -> np.ndarray:
    side, across = stage.tile, math.ceil(stage.grid / stage.tile)
    padded = across * side
    tokens = np.zeros((padded, padded))
    tiles, heads, queries, keys = weights.shape
    assert (tiles, queries, keys) == (across**2, side**2, side**2)
    for tile in range(tiles):
        looks = np.zeros(keys)
        for head in range(heads):
            part = gradient[tile, head] if way.norm_over == "tile" else gradient[:, head]
            norm = math.sqrt((part**2).sum()) if way.weighted else 1.0
            for query in range(queries):
                looks += norm * weights[tile, head, query] / heads / queries
        top, left = divmod(tile, across)
        for key in range(keys):
            row, column = top * side + key // side, left * side + key % side
            tokens[(row + roll) % padded, (column + roll) % padded] = looks[key]
    return tokens[: stage.grid, : stage.grid]


def _pair(grids: list[np.ndarray], way: Way) -> np.ndarray:
    if way.pairs == "mean":
        return np.mean(grids, axis=0)
    return np.mean([grids[i] * grids[i + 1] for i in range(0, len(grids), 2)], axis=0)


def _fuse(stages: list[list[np.ndarray]], size: int, way: Way) -> np.ndarray:
    resized = []
    for maps in stages:
        resized.append(np.stack([resize_slowly(one, size) for one in _stretch(np.stack(maps), way)]))
    fused = np.prod(resized, axis=0) if way.fusion == "product" else np.mean(resized, axis=0)
    return _stretch(fused, way)


def _stretch(maps: np.ndarray, way: Way) -> np.ndarray:
    if way.together:
        return (maps - maps.min()) / (maps.max() - maps.min())
    return np.stack([(one - one.min()) / (one.max() - one.min()) for one in maps])


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

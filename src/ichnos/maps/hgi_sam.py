"""HGI-SAM: head-wise gradient-infused self-attention maps.

Paper: Rasoulian et al. 2023, section 3.2, Eq. 2. For block i with attention weights w_h (head h
of H) and the logit Y1 of the bleed class,

    W_i = (1/H) sum_h ||dY1/dw_h|| w_h,   M_i(key) = mean over queries of W_i,
    L   = WR(M_i) * RS(WR(M_i+1))         for each pair of a plain and a shifted block,

where WR puts tiles back on the token grid and RS undoes the shift. A stage's map is the mean of
its pair maps; the product of the maps of stages 1 to 3, resized to the image, is the slice's map.

The paper leaves open, and we choose (see docs/concepts/how-it-works):
- the norm is Frobenius, per slice, tile and head. With one norm per head for the whole image all
  tiles would have the same mean, because attention rows sum to 1.
- stage maps are min-max normalised per slice; a blank map gives zeros, never NaN.
Equation 2 prints L with W where M is meant.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ichnos.errors import UsageError
from ichnos.maps.recorder import BlockAttention, Recording, record_attention

STAGES = (1, 2, 3)
"""Stages whose maps are fused in the paper; the fourth is too coarse."""

_BLANK = 1e-12
"""A map whose maximum and minimum differ by no more than this fraction of its maximum is blank."""


def hgi_sam(
    model: nn.Module,
    pixels: Float[Tensor, "slices channels rows columns"],
    stages: Sequence[int] = STAGES,
    target: int = 1,
) -> tuple[Float[Tensor, "slices rows columns"], Float[Tensor, "slices outputs"]]:
    """Maps in [0, 1] and logits of a batch of slices.

    A slice's map does not depend on the other slices of the batch. The model's mode, parameters
    and gradients are left as they were.

    Args:
        model: a classifier that holds a Swin transformer.
        pixels: standardised slices.
        stages: 1-based stages whose maps are multiplied.
        target: output whose logit is explained.

    Raises:
        UsageError: the network has no such stage, or a stage whose blocks do not pair up.
    """
    with _frozen_eval(model), torch.enable_grad(), torch.autocast(pixels.device.type, enabled=False):
        with record_attention(model, stages) as recording:
            logits = model(pixels.float())
        weights = [block.weights for block in recording.blocks]
        gradients = torch.autograd.grad(logits[:, target].sum(), weights)
    maps = fuse_stages(recording, gradients, stages, (pixels.shape[2], pixels.shape[3]))
    return maps, logits.detach()


def fuse_stages(
    recording: Recording, gradients: Sequence[Tensor], stages: Sequence[int], size: tuple[int, int]
) -> Float[Tensor, "slices rows columns"]:
    """Product of the stages' maps at `size` (rows, columns), min-max normalised per slice."""
    gradient_of = {id(block): gradient for block, gradient in zip(recording.blocks, gradients, strict=True)}
    fused: Tensor | None = None
    for stage in stages:
        blocks = recording.stage(stage)
        if len(blocks) % 2:
            raise UsageError(f"stage {stage} has {len(blocks)} blocks; HGI-SAM needs plain and shifted blocks in pairs")
        maps = [assemble_grid(block, weigh_heads(block.weights.detach(), gradient_of[id(block)])) for block in blocks]
        pairs = [plain * shifted for plain, shifted in zip(maps[::2], maps[1::2], strict=True)]
        stage_map = stretch_to_unit(torch.stack(pairs).mean(dim=0))
        resized = nn.functional.interpolate(stage_map[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
        fused = resized if fused is None else fused * resized
    if fused is None:
        raise UsageError("no stages were given; HGI-SAM multiplies the maps of at least one")
    return stretch_to_unit(fused)


def weigh_heads(
    weights: Float[Tensor, "tiles attn_heads queries keys"],
    gradients: Float[Tensor, "tiles attn_heads queries keys"],
) -> Float[Tensor, "tiles keys"]:
    """Mean over heads and queries of the weights, each head of each tile scaled by its gradient's norm."""
    norms = torch.linalg.matrix_norm(gradients, ord="fro")
    return torch.einsum("th,thk->tk", norms, weights.mean(dim=2)) / norms.shape[1]


def assemble_grid(
    block: BlockAttention, tiles: Float[Tensor, "tiles keys"]
) -> Float[Tensor, "slices grid_rows grid_columns"]:
    """Put a block's tiles back on its token grid, undo its shift and drop its padding."""
    side, (rows, columns) = block.tile_size, block.grid
    tile_rows, tile_columns = math.ceil(rows / side), math.ceil(columns / side)
    grid = tiles.reshape(-1, tile_rows, tile_columns, side, side).permute(0, 1, 3, 2, 4)
    grid = grid.reshape(-1, tile_rows * side, tile_columns * side)
    return torch.roll(grid, (block.shift, block.shift), dims=(1, 2))[:, :rows, :columns]


def stretch_to_unit(maps: Float[Tensor, "slices rows columns"]) -> Float[Tensor, "slices rows columns"]:
    """Min-max normalise each slice to [0, 1]; a slice without contrast becomes zeros."""
    low = maps.amin(dim=(1, 2), keepdim=True)
    high = maps.amax(dim=(1, 2), keepdim=True)
    contrast = high - low
    is_blank = contrast <= _BLANK * high.abs()
    return torch.where(is_blank, torch.zeros_like(maps), (maps - low) / contrast.masked_fill(is_blank, 1.0))


@contextmanager
def _frozen_eval(model: nn.Module) -> Iterator[None]:
    """Eval mode and no parameter gradients inside the block; both as before afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    needs = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        model.eval()
        model.requires_grad_(False)
        yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter, requires_grad in needs:
            parameter.requires_grad_(requires_grad)

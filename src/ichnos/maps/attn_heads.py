"""How much each attention head of each tile is looked at, and how much it moves a logit."""

import torch
from jaxtyping import Float
from torch import Tensor

from ichnos.maps.recorder import BlockAttention
from ichnos.maps.settings import MapSettings


def mean_over_queries(block: BlockAttention) -> Float[Tensor, "tiles attn_heads keys"]:
    """How much each token of the image is looked at by those of its tile, at least in float32.

    Class and register tokens are left out, as queries and as keys.
    """
    weights = block.weights.detach()[:, :, block.extra_tokens :, block.extra_tokens :]
    return _at_least_float32(weights).mean(dim=2)


def gradient_norms(
    block: BlockAttention, gradient: Float[Tensor, "tiles attn_heads queries keys"], settings: MapSettings
) -> Float[Tensor, "tiles attn_heads"]:
    """Frobenius norm of a logit's gradient with respect to the attention of each tile and head.

    Args:
        block: recorded.
        gradient: of the logit with respect to `block.weights`.
        settings: `gradient_of` weights or logits, `norm_over` a tile or the whole image.
    """
    flow = _at_least_float32(gradient)
    if settings.gradient_of == "logits":
        flow = _through_softmax(_at_least_float32(block.weights.detach()), flow)
    norms: Tensor = torch.linalg.matrix_norm(flow)
    if settings.norm_over == "tile":
        return norms
    per_slice = norms.reshape(-1, tiles_per_slice(block), norms.shape[1])
    whole = torch.linalg.vector_norm(per_slice, dim=1, keepdim=True)
    return whole.expand_as(per_slice).flatten(0, 1)


def tiles_per_slice(block: BlockAttention) -> int:
    """Tiles that the padded grid of one image is cut into."""
    return -(-block.grid[0] // block.tile[0]) * -(-block.grid[1] // block.tile[1])


def _through_softmax(
    weights: Float[Tensor, "tiles attn_heads queries keys"], gradient: Float[Tensor, "tiles attn_heads queries keys"]
) -> Float[Tensor, "tiles attn_heads queries keys"]:
    """The gradient before the softmax: w (g - sum over keys of w g)."""
    return weights * (gradient - (weights * gradient).sum(dim=-1, keepdim=True))


def _at_least_float32(values: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    return values.to(torch.promote_types(values.dtype, torch.float32))

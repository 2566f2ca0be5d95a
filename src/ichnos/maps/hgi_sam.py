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
Equation 2 prints L with W where M is meant. `MapSettings` names the other ways.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ichnos.maps.attn_heads import gradient_norms, mean_over_queries
from ichnos.maps.explanation import Explanation, choose_logits, finish, frozen, join, run
from ichnos.maps.fusion import fuse_stages
from ichnos.maps.recorder import BlockAttention, Recording, record_attention
from ichnos.maps.settings import MapSettings, choose_settings
from ichnos.maps.swin_sam import explain_swin_sam

_PIXELS_AT_ONCE = 384 * 384
"""How much of a batch a CPU works on at a time. What is kept for the backward pass, 0.5 GB for a slice of this
size and Swin-Base, is far larger than its cache: larger parts took half as long again for each slice."""

STAGES = (1, 2, 3)
"""Stages whose maps are fused in the paper; the fourth is too coarse."""


def hgi_sam(
    model: nn.Module,
    pixels: Float[Tensor, "slices channels rows columns"],
    stages: Sequence[int] = STAGES,
    target: int = 1,
) -> tuple[Float[Tensor, "slices rows columns"], Float[Tensor, "slices outputs"]]:
    """Maps in [0, 1] and logits of a batch of slices, as the paper says.

    A slice's map does not depend on the other slices of the batch. The model's mode, parameters
    and gradients are left as they were.

    Args:
        model: a classifier that holds a Swin transformer, or another of `families.FAMILIES`.
        pixels: standardised slices.
        stages: 1-based stages whose maps are multiplied.
        target: output whose logit is explained.

    Raises:
        UsageError: the network has no such stage or output, or a stage whose blocks do not pair up.
    """
    settings = choose_settings("hgi-sam").model_copy(update={"stages": tuple(stages)})
    explanation = finish(explain_hgi_sam(model, pixels, settings, (target,)), settings)
    return explanation.maps[:, 0], explanation.logits


def explain_hgi_sam(
    model: nn.Module,
    pixels: Float[Tensor, "slices channels rows columns"],
    settings: MapSettings,
    targets: Sequence[int],
) -> Explanation:
    """One map a target, not yet normalised: one forward pass, one backward pass for each target.

    Gradients go back to the first recorded block and no further; none are taken for parameters.
    """
    if not settings.weigh_heads:
        return explain_swin_sam(model, pixels, settings, targets)
    parts = torch.split(pixels, _slices_at_once(pixels, settings))
    return join([_explain_part(model, part, settings, targets) for part in parts])


def _slices_at_once(pixels: Float[Tensor, "slices channels rows columns"], settings: MapSettings) -> int:
    if pixels.device.type != "cpu" or settings.min_max_over == "batch":
        return max(1, len(pixels))
    return max(1, _PIXELS_AT_ONCE // (pixels.shape[2] * pixels.shape[3]))


def _explain_part(
    model: nn.Module,
    pixels: Float[Tensor, "slices channels rows columns"],
    settings: MapSettings,
    targets: Sequence[int],
) -> Explanation:
    with frozen(model, pixels.device, gradients=True):
        with record_attention(model, settings.stages) as recording:
            logits = run(model, pixels)
        asked = choose_logits(logits, targets, settings)
        size = (int(pixels.shape[2]), int(pixels.shape[3]))
        pairs = []
        for number, logit in enumerate(asked, start=1):
            norms = _back_propagate(logit, recording.blocks, settings, keep_graph=number < len(asked))
            pairs.append(_fuse(recording, norms, settings, size))
    maps, stages = zip(*pairs, strict=True)
    return Explanation(torch.stack(maps, dim=1), logits.detach(), torch.stack(stages, dim=1))


def _back_propagate(
    logit: Float[Tensor, " slices"], blocks: Sequence[BlockAttention], settings: MapSettings, *, keep_graph: bool
) -> dict[int, Float[Tensor, "tiles attn_heads"]]:
    """Norm of each attention head's gradient, by the identity of the block.

    On its way to the first recorded block the gradient passes all others. Its norm is taken as it
    passes, so that no gradient of an attention is kept.
    """
    norms: dict[int, Tensor] = {}

    def take_norm(block: BlockAttention) -> Callable[[Tensor], None]:
        def hook(gradient: Tensor) -> None:
            norms[id(block)] = gradient_norms(block, gradient.detach(), settings)

        return hook

    handles = [block.weights.register_hook(take_norm(block)) for block in blocks]  # type: ignore[no-untyped-call]
    try:
        torch.autograd.grad(logit.sum(), blocks[0].weights, retain_graph=keep_graph)
    finally:
        for handle in handles:
            handle.remove()
    return norms


@torch.no_grad()
def _fuse(
    recording: Recording, norms: Mapping[int, Tensor], settings: MapSettings, size: tuple[int, int]
) -> tuple[Float[Tensor, "slices rows columns"], Float[Tensor, "slices stages rows columns"]]:
    def weigh(block: BlockAttention) -> Float[Tensor, "tiles keys"]:
        return weigh_heads(mean_over_queries(block), norms[id(block)])

    return fuse_stages(recording, weigh, settings, size)


def weigh_heads(
    looks: Float[Tensor, "tiles attn_heads keys"], norms: Float[Tensor, "tiles attn_heads"]
) -> Float[Tensor, "tiles keys"]:
    """Mean over heads, each head of each tile scaled by its gradient's norm."""
    return torch.einsum("th,thk->tk", norms, looks) / norms.shape[1]

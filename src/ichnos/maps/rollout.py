"""Attention rollout: attention multiplied through all blocks, residual connections included.

Paper: Abnar and Zuidema 2020, section 3: each block mixes tokens by (A + 1) / 2, A the mean over
attention heads. Defined only where every block sees all tokens, so not for Swin. It asks nobody
what the attention was for, so the maps of all outputs are the same.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ichnos.errors import UsageError
from ichnos.maps.explanation import Explanation, choose_logits, frozen, run
from ichnos.maps.families import find_anatomy
from ichnos.maps.grids import resize
from ichnos.maps.recorder import Recording, record_attention
from ichnos.maps.settings import MapSettings


def explain_rollout(
    model: nn.Module,
    pixels: Float[Tensor, "slices channels rows columns"],
    settings: MapSettings,
    targets: Sequence[int],
) -> Explanation:
    """One map, not yet normalised, the same for each target: one forward pass.

    The map is what flows from each patch to the token that the classifier reads: the class token,
    or the mean of the patches where there is none or where the network pools them.

    Raises:
        UsageError: attention stays within tiles.
    """
    anatomy = find_anatomy(model)
    if anatomy.is_tiled:
        raise UsageError("rollout is not defined for attention within tiles; take 'swin-sam' or 'hgi-sam'")
    pools_patches = bool(getattr(anatomy.transformer.config, "use_mean_pooling", False))
    with frozen(model, pixels.device, gradients=False):
        with record_attention(model, settings.stages) as recording:
            logits = run(model, pixels)
        choose_logits(logits, targets, settings)
        flow = multiply(recording)
        block = recording.blocks[0]
        patches = flow[:, :, block.extra_tokens :]
        reads_class = block.extra_tokens > 0 and not pools_patches
        seen = patches[:, 0] if reads_class else patches[:, block.extra_tokens :].mean(dim=1)
        maps = resize(seen.reshape(-1, *block.grid), (int(pixels.shape[2]), int(pixels.shape[3])))
    return Explanation(maps[:, None].expand(-1, len(targets), -1, -1), logits)


def multiply(recording: Recording) -> Float[Tensor, "slices tokens tokens"]:
    """Share of each input token (last axis) in each output token, after all recorded blocks."""
    flow: Tensor | None = None
    for block in recording.blocks:
        mixed = block.weights.float().mean(dim=1)
        mixed = (mixed + torch.eye(mixed.shape[-1], device=mixed.device)) / 2
        flow = mixed if flow is None else mixed @ flow
    if flow is None:
        raise UsageError("nothing was recorded; rollout needs at least one block")
    return flow

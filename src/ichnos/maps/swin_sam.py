"""Swin-SAM: self-attention maps without gradients.

Paper: Rasoulian et al. 2022 (MLCN), the predecessor and baseline of HGI-SAM: the plain mean over
attention heads, and all four stages. It asks nobody what the attention was for, so the maps of all
outputs are the same.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from ichnos.maps.attn_heads import mean_over_queries
from ichnos.maps.explanation import Explanation, choose_logits, frozen, run
from ichnos.maps.fusion import fuse_stages
from ichnos.maps.recorder import BlockAttention, record_attention
from ichnos.maps.settings import MapSettings


def explain_swin_sam(
    model: nn.Module,
    pixels: Float[Tensor, "slices channels rows columns"],
    settings: MapSettings,
    targets: Sequence[int],
) -> Explanation:
    """One map, not yet normalised, the same for each target: one forward pass."""
    with frozen(model, pixels.device, gradients=False):
        with record_attention(model, settings.stages) as recording:
            logits = run(model, pixels)
        choose_logits(logits, targets, settings)
        maps, stages = fuse_stages(recording, _weigh, settings, (int(pixels.shape[2]), int(pixels.shape[3])))
    count = len(targets)
    return Explanation(maps[:, None].expand(-1, count, -1, -1), logits, stages[:, None].expand(-1, count, -1, -1, -1))


def _weigh(block: BlockAttention) -> Float[Tensor, "tiles keys"]:
    return mean_over_queries(block).mean(dim=1)

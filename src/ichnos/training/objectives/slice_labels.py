"""Slice labels only: is there any bleed in this slice?

The fine-tuning of HGI-SAM (Rasoulian et al. 2023, section 3.3): two output neurons and cross
entropy. The released code applies a softmax before a loss that applies its own; we do not.
"""

from jaxtyping import Bool, Float
from torch import Tensor, nn


def slice_label_loss(logits: Float[Tensor, "slices 2"], labels: Bool[Tensor, "slices 6"]) -> Float[Tensor, ""]:
    """Mean cross entropy of (no bleed, bleed) against the `any` label."""
    return nn.functional.cross_entropy(logits, labels[:, 0].long())


def balanced_slice_label_loss(logits: Float[Tensor, "slices 2"], labels: Bool[Tensor, "slices 6"]) -> Float[Tensor, ""]:
    """Mean over the two labels of the mean cross entropy of their slices.

    For validation at natural frequency of a network that was trained on both labels equally often:
    the plain mean would prefer networks that call everything healthy. With one label only, the
    plain mean.
    """
    is_positive = labels[:, 0]
    losses = nn.functional.cross_entropy(logits, is_positive.long(), reduction="none")
    if is_positive.all() or not is_positive.any():
        return losses.mean()
    return (losses[is_positive].mean() + losses[~is_positive].mean()) / 2

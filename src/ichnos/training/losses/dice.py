"""Losses of overlap: how little a predicted mask, or a set of predicted labels, shares with the true one.

Papers: Spahr et al. 2023 (equations 4 and 5; squared denominators), Rasoulian et al. 2023 (Dice and
cross entropy). Everything is taken per slice and then averaged over the batch. MONAI's Dice losses
cannot weigh empty slices or take several labels per slice, so they stand in the tests only.
"""

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

EPSILON = 1.0
"""Added to both sides of a quotient, as the second paper's released code does; its equation 4 has none."""


def soft_dice_loss(
    logits: Float[Tensor, "slices 1 rows columns"],
    bleed_masks: Shaped[Tensor, "slices rows columns"],
    *,
    epsilon: float = EPSILON,
    empty_weight: float = 1.0,
) -> Float[Tensor, ""]:
    """1 - (2 sum(p t) + epsilon) / (sum(p^2) + sum(t^2) + epsilon), per slice, averaged (equation 4).

    With epsilon 0 the loss of a slice without bleed is 1 whatever was predicted, so that such slices
    teach nothing; the equation as printed has that fault.

    Args:
        logits: before the sigmoid.
        bleed_masks: booleans, or probabilities in [0, 1] as of pseudo-labels; augmented as the slices.
        epsilon: pixels; keeps empty slices instructive.
        empty_weight: weight of slices whose mask is empty (alpha of equation 5, there 0.2). The
            equation sums over the batch; we take the mean, as its code does, which differs by a
            factor that Adam undoes except for its weight decay and a smaller last batch.
    """
    probabilities = torch.sigmoid(logits[:, 0].float()).flatten(1)
    targets = bleed_masks.float().flatten(1)
    losses = 1 - _squared_dice(probabilities, targets, epsilon)
    is_empty = ~(targets > 0).any(dim=1)
    return torch.where(is_empty, empty_weight * losses, losses).mean()


def label_dice_loss(
    logits: Float[Tensor, "slices labels"], labels: Bool[Tensor, "slices labels"], *, epsilon: float = EPSILON
) -> Float[Tensor, ""]:
    """The same quotient over the labels of a slice instead of its pixels: the second paper's multi-label "DL"."""
    return (1 - _squared_dice(torch.sigmoid(logits.float()), labels.float(), epsilon)).mean()


def dice_cross_entropy_loss(
    logits: Float[Tensor, "slices 2 rows columns"],
    bleed_masks: Shaped[Tensor, "slices rows columns"],
    *,
    epsilon: float = EPSILON,
) -> Float[Tensor, ""]:
    """Half cross entropy, half soft Dice loss averaged over both classes: the first paper's U-Nets.

    The paper does not weigh the two; its code halves them and has epsilon 1e-10, with which a slice
    without bleed teaches nothing through the Dice loss of its bleed. Denominators are plain sums;
    Dice is taken per slice and class.

    Args:
        logits: of no bleed and bleed, before the softmax.
        bleed_masks: booleans, or probabilities in [0, 1].
        epsilon: pixels; 1e-10 in the preset `reference`.
    """
    logs = torch.log_softmax(logits.float(), dim=1).flatten(2)
    bleed = bleed_masks.float().flatten(1)
    targets = torch.stack([1 - bleed, bleed], dim=1)
    cross_entropy = -(targets * logs).sum(dim=1).mean()
    probabilities = logs.exp()
    shared = (probabilities * targets).sum(dim=2)
    dice = (2 * shared + epsilon) / (probabilities.sum(dim=2) + targets.sum(dim=2) + epsilon)
    return (cross_entropy + (1 - dice).mean()) / 2


def _squared_dice(
    probabilities: Float[Tensor, "slices values"], targets: Float[Tensor, "slices values"], epsilon: float
) -> Float[Tensor, " slices"]:
    shared = (probabilities * targets).sum(dim=1)
    return (2 * shared + epsilon) / (probabilities.square().sum(dim=1) + targets.square().sum(dim=1) + epsilon)

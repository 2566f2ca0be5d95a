"""Losses of slice labels that are built on cross entropy.

Papers: Lin et al. 2017, "Focal loss", for the first paper's SAM-binary and SAM-multi; Spahr et al.
2023 (section 2.6.2.2) for the weighted labels.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ichnos.errors import TrainingError


def focal_loss(
    logits: Float[Tensor, "slices labels"], labels: Bool[Tensor, "slices labels"], *, gamma: float = 2.0
) -> Float[Tensor, ""]:
    """Binary cross entropy times (1 - probability of the truth)^gamma, averaged over slices and labels.

    One label for bleed or not (binary), or several that do not exclude each other. No alpha. Gamma is
    in neither paper; 2 stands in an older state of the first one's code, which sums over the batch
    where we average.
    """
    margins = torch.where(labels, logits.float(), -logits.float())
    certainty = torch.exp(gamma * nn.functional.logsigmoid(-margins))  # (1 - p)^gamma, finite slope at p = 1
    return (certainty * nn.functional.softplus(-margins)).mean()


def count_positive_weights(labels: Bool[Tensor, "slices labels"], names: Sequence[str]) -> Float[Tensor, " labels"]:
    """Negatives per positive, (N - n) / n, of each label over all **training** slices.

    The released code of Spahr et al. counts evaluation slices too; we must not.

    Raises:
        TrainingError: a label that no slice has.
    """
    positives = labels.sum(dim=0)
    missing = [name for name, count in zip(names, positives.tolist(), strict=True) if not count]
    if missing:
        raise TrainingError(
            f"no training slice of {len(labels)} is labelled {', '.join(missing)}, so it cannot be weighed; "
            "add such slices, or train without these labels"
        )
    return (len(labels) - positives) / positives


def weighted_label_loss(
    logits: Float[Tensor, "slices labels"],
    labels: Bool[Tensor, "slices labels"],
    positive_weights: Float[Tensor, " labels"],
) -> Float[Tensor, ""]:
    """Binary cross entropy whose positive part is weighed per label: the second paper's multi-label "CE".

    Its released code takes a sigmoid before a loss that takes its own; we do not.
    """
    return nn.functional.binary_cross_entropy_with_logits(
        logits.float(), labels.float(), pos_weight=positive_weights.to(logits.device)
    )


def double_softmax_loss(logits: Float[Tensor, "slices classes"], classes: Int[Tensor, " slices"]) -> Float[Tensor, ""]:
    """Cross entropy of what is a softmax already: a fault of both released codes, for the preset `reference`.

    With two classes it cannot leave [0.313, 1.313], and its slope vanishes for confident errors.
    """
    return nn.functional.cross_entropy(torch.softmax(logits.float(), dim=1), classes)

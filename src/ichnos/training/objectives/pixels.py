"""Logits of each pixel, and how they agree with masks: what strategies that segment share."""

from collections.abc import Mapping

from jaxtyping import Bool, Float, Int
from torch import Tensor, cat, zeros_like

from ichnos.errors import UsageError


def take_classes(logits: Tensor, classes: int) -> Float[Tensor, "slices {classes} rows columns"]:
    """The same logits, if they are what was said.

    Raises:
        UsageError: another number of outputs, or not an image of logits.
    """
    if logits.ndim != 4 or logits.shape[1] != classes:
        raise UsageError(
            f"the network gives {' x '.join(map(str, logits.shape))} numbers, not {classes} for each pixel; "
            "set objective.classes to the network's outputs, or choose a network that segments"
        )
    return logits


def to_one_logit(logits: Float[Tensor, "slices _ rows columns"]) -> Float[Tensor, "slices 1 rows columns"]:
    """Softmax over two is the sigmoid of their difference."""
    return logits if logits.shape[1] == 1 else logits[:, 1:] - logits[:, :1]


def to_two_logits(logits: Float[Tensor, "slices _ rows columns"]) -> Float[Tensor, "slices 2 rows columns"]:
    """The sigmoid of one is the softmax over it and 0."""
    return logits if logits.shape[1] == 2 else cat([zeros_like(logits), logits], dim=1)


def count_pixels(
    predicted: Bool[Tensor, "slices rows columns"], bleed_masks: Bool[Tensor, "slices rows columns"]
) -> dict[str, Int[Tensor, " slices"]]:
    """True positives, predicted and labelled pixels of each slice."""
    return {
        "hits": (predicted & bleed_masks).sum(dim=(1, 2)),
        "predicted": predicted.sum(dim=(1, 2)),
        "labelled": bleed_masks.sum(dim=(1, 2)),
    }


def summarise_pixels(measured: Mapping[str, Tensor]) -> dict[str, float]:
    """Pooled and mean Dice of what `count_pixels` gave."""
    hits, sizes = measured["hits"].double(), (measured["predicted"] + measured["labelled"]).double()
    bleeds = measured["labelled"] > 0
    return {"dice": float(2 * hits.sum() / sizes.sum()), "slice_dice": float((2 * hits / sizes)[bleeds].mean())}

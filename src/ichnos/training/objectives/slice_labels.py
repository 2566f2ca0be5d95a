"""Slice labels only: is there any bleed in this slice?

The fine-tuning of HGI-SAM (Rasoulian et al. 2023, section 4.2.2): two output neurons and cross
entropy.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import TrainingError
from ichnos.metrics.detection import roc_auc
from ichnos.models.outputs import KNOWN_LABELS
from ichnos.training.batch import Batch
from ichnos.training.losses.label_entropy import double_softmax_loss
from ichnos.training.objectives.drawing import draw_balanced, draw_depleting, take_labelled
from ichnos.training.objectives.objective import Objective


class SliceLabels(Objective):
    """Two outputs (no bleed, bleed), both labels drawn equally often (first paper, 4.2.2).

    Attributes:
        obvious_epochs: how many epochs, at the start, leave out bleeds that are not obvious: trained
            from scratch, a small Swin otherwise stays for hundreds of steps with what the height of
            a slice tells (ADR 0008).
        sampling: with replacement (`balanced`), or as the released code does (`depleting`).
        double_softmax: train and validate with a softmax before the loss that applies its own, and
            validate by its plain mean, as the released code does; the preset `reference`.
    """

    obvious_epochs: int = Field(default=0, ge=0)
    sampling: Literal["balanced", "depleting"] = "balanced"
    double_softmax: bool = False

    @model_validator(mode="after")
    def _check_together(self) -> "SliceLabels":
        if self.sampling == "depleting" and self.obvious_epochs:
            raise ValueError("obvious_epochs belongs to sampling = 'balanced'; leave it out")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """Two that exclude each other."""
        return KNOWN_LABELS[2]

    def check(self, store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> None:
        """Both kinds of slices are needed."""
        check_both_kinds(store, chosen)

    def draw_rows(
        self, store: SliceStore, chosen: Int[np.ndarray, " chosen"], epoch: int, generator: torch.Generator
    ) -> Int[np.ndarray, " drawn"]:
        """With probability inverse to the frequency of their label."""
        if self.sampling == "depleting":
            return draw_depleting(store, chosen, generator)
        return draw_balanced(store, chosen, generator, only_obvious=epoch < self.obvious_epochs)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, ""]:
        """Mean cross entropy of (no bleed, bleed) against the `any` label."""
        logits, classes = model(batch.pixels), batch.is_positive.long()
        if self.double_softmax:
            return double_softmax_loss(logits, classes)
        return nn.functional.cross_entropy(logits.float(), classes)

    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Logits and labels."""
        return measure_slices(model, batch)

    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Balanced loss and ROC-AUC; with `double_softmax`, the loss of training at natural frequency."""
        figures = summarise_slices(measured)
        if self.double_softmax:
            figures["loss"] = float(double_softmax_loss(measured["logits"], measured["is_positive"].long()))
        return figures


def check_both_kinds(store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> None:
    """Refuse training slices that all bleed, or of which none is known to.

    Raises:
        TrainingError: with the counts.
    """
    labelled = take_labelled(store, chosen)
    positives = int(store.is_positive[labelled].sum())
    if positives in {0, len(labelled)}:
        raise TrainingError(
            f"{positives} of {len(labelled)} labelled training slices hold a bleed; both kinds are needed: add data"
        )


def measure_slices(model: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
    """Two logits and the label of each slice that somebody labelled."""
    is_labelled = batch.labels[:, 0] >= 0
    return {"logits": model(batch.pixels).float()[is_labelled], "is_positive": batch.is_positive[is_labelled]}


def summarise_slices(measured: Mapping[str, Tensor]) -> dict[str, float]:
    """Balanced loss and ROC-AUC of what `measure_slices` gave.

    Raises:
        TrainingError: no slice was labelled.
    """
    logits, is_positive = measured["logits"], measured["is_positive"]
    if not len(logits):
        raise TrainingError("no validation slice is labelled; add labelled patients or raise data.validation_fraction")
    probabilities = torch.softmax(logits, dim=1)[:, 1]
    return {
        "loss": float(balanced_cross_entropy(logits, is_positive)),
        "auc": roc_auc(probabilities.cpu().numpy(), is_positive.cpu().numpy()),
    }


def balanced_cross_entropy(
    logits: Float[Tensor, "slices 2"], is_positive: Bool[Tensor, " slices"]
) -> Float[Tensor, ""]:
    """Mean over the two labels of the mean cross entropy of their slices.

    For validation at natural frequency of a network that was trained on both labels equally often:
    the plain mean would prefer networks that call everything healthy. With one label only, the
    plain mean.
    """
    losses = nn.functional.cross_entropy(logits, is_positive.long(), reduction="none")
    if is_positive.all() or not is_positive.any():
        return losses.mean()
    return (losses[is_positive].mean() + losses[~is_positive].mean()) / 2

"""Slice labels only: is there any bleed in this slice?

The fine-tuning of HGI-SAM (Rasoulian et al. 2023, section 3.3): two output neurons and cross
entropy. The released code applies a softmax before a loss that applies its own; we do not.
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import TrainingError
from ichnos.metrics.detection import roc_auc
from ichnos.training.batch import Batch
from ichnos.training.objectives.objective import Objective


class SliceLabels(Objective):
    """Two outputs (no bleed, bleed), both labels drawn equally often (first paper, 3.3).

    Attributes:
        obvious_epochs: how many epochs, at the start, leave out bleeds that are not obvious: trained
            from scratch, a small Swin otherwise stays for hundreds of steps with what the height of
            a slice tells (ADR 0008).
    """

    obvious_epochs: int = Field(default=0, ge=0)

    @property
    def outputs(self) -> tuple[str, ...]:
        """No bleed, bleed."""
        return ("no bleed", "bleed")

    def check(self, store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> None:
        """Both kinds of slices are needed."""
        positives = int(store.is_positive[chosen].sum())
        if positives in {0, len(chosen)}:
            raise TrainingError(
                f"{positives} of {len(chosen)} training slices hold a bleed; both kinds are needed: add data"
            )

    def draw_rows(
        self, store: SliceStore, chosen: Int[np.ndarray, " chosen"], epoch: int, generator: torch.Generator
    ) -> Int[np.ndarray, " drawn"]:
        """As many as were chosen, with probability inverse to the frequency of their label."""
        is_positive, is_obvious = store.is_positive[chosen], store.is_obvious[chosen]
        early = epoch < self.obvious_epochs and bool((is_obvious & is_positive).any())
        weights = inverse_frequency(is_positive, is_obvious | ~is_positive if early else np.ones_like(is_positive))
        drawn = torch.multinomial(torch.from_numpy(weights), len(weights), replacement=True, generator=generator)
        return np.asarray(chosen[drawn.numpy()])

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, ""]:
        """Mean cross entropy of (no bleed, bleed) against the `any` label."""
        return nn.functional.cross_entropy(model(batch.pixels), batch.is_positive.long())

    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Logits and labels."""
        return {"logits": model(batch.pixels), "is_positive": batch.is_positive}

    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Balanced loss and ROC-AUC."""
        logits, is_positive = measured["logits"].float(), measured["is_positive"]
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


def inverse_frequency(
    is_positive: Bool[np.ndarray, " slices"], is_drawn: Bool[np.ndarray, " slices"]
) -> Float[np.ndarray, " slices"]:
    """Weights that draw both labels equally often, and nothing that is not to be drawn."""
    positives, negatives = (is_positive & is_drawn).sum(), (~is_positive & is_drawn).sum()
    return np.where(is_positive, 1.0 / max(1, positives), 1.0 / max(1, negatives)) * is_drawn

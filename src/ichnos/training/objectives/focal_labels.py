"""Slice labels that do not exclude each other: the classifiers that Swin-SAM explains.

SAM-binary (one output) and SAM-multi (five subtypes and `any`) of Rasoulian et al. 2023, section
4.2.1: sigmoids and focal cross entropy. How slices are sampled is not stated there; both ways are here.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int8
from pydantic import Field
from torch import Tensor, nn

from ichnos.cohorts.slice_store import LABELS, SliceStore
from ichnos.errors import TrainingError
from ichnos.metrics.detection import roc_auc
from ichnos.models.outputs import KNOWN_LABELS, find_bleed_output
from ichnos.training.batch import Batch
from ichnos.training.losses.label_entropy import focal_loss
from ichnos.training.objectives.drawing import draw_all, draw_balanced, take_labelled
from ichnos.training.objectives.objective import Objective
from ichnos.training.objectives.slice_labels import check_both_kinds


class FocalLabels(Objective):
    """One sigmoid for bleed or not, or six; labels that nobody gave teach nothing.

    Attributes:
        labels: `binary` (one output) or `subtypes` (six, in the order of `models.outputs`).
        gamma: of the focal loss; 2 in an older state of the released code, which has no alpha.
        sampling: every labelled slice once (`natural`), or bleeding and normal slices equally often
            (`balanced`).
        obvious_epochs: as of `slice-labels`; with `balanced` sampling only.
    """

    labels: Literal["binary", "subtypes"] = "binary"
    gamma: float = Field(default=2.0, ge=0.0)
    sampling: Literal["natural", "balanced"] = "natural"
    obvious_epochs: int = Field(default=0, ge=0)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One, or six that do not exclude each other."""
        return KNOWN_LABELS[1 if self.labels == "binary" else 6]

    def check(self, store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> None:
        """Both kinds of slices are needed."""
        check_both_kinds(store, chosen)

    def draw_rows(
        self, store: SliceStore, chosen: Int[np.ndarray, " chosen"], epoch: int, generator: torch.Generator
    ) -> Int[np.ndarray, " drawn"]:
        """Slices of which it is known whether they bleed."""
        if self.sampling == "natural":
            return draw_all(take_labelled(store, chosen), generator)
        return draw_balanced(store, chosen, generator, only_obvious=epoch < self.obvious_epochs)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, ""]:
        """Focal cross entropy, averaged over the labels that are known."""
        return self._compare(model(batch.pixels), self._arrange(batch.labels))

    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Logits and labels."""
        return {"logits": model(batch.pixels).float(), "labels": self._arrange(batch.labels)}

    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Loss, ROC-AUC of any bleed, and the mean ROC-AUC of those subtypes that occur."""
        logits, labels = measured["logits"], measured["labels"]
        if not (labels >= 0).any():
            raise TrainingError("no validation slice is labelled; add labelled patients")
        areas = [_area(logits[:, one], labels[:, one]) for one in range(labels.shape[1])]
        figures = {"loss": float(self._compare(logits, labels)), "auc": areas.pop(find_bleed_output(self.outputs))}
        present = [area for area in areas if not np.isnan(area)]
        return figures | ({"subtype_auc": float(np.mean(present))} if present else {})

    def _arrange(self, labels: Int8[Tensor, "slices 6"]) -> Int8[Tensor, "slices outputs"]:
        """From the order of a store to that of the outputs, by name."""
        places = [LABELS.index("any" if name == "bleed" else name) for name in self.outputs]
        return labels[:, places]

    def _compare(
        self, logits: Float[Tensor, "slices outputs"], labels: Int8[Tensor, "slices outputs"]
    ) -> Float[Tensor, ""]:
        is_known: Bool[Tensor, "slices outputs"] = labels >= 0
        return focal_loss(logits[is_known][:, None], (labels == 1)[is_known][:, None], gamma=self.gamma)


def _area(logits: Float[Tensor, " slices"], labels: Int8[Tensor, " slices"]) -> float:
    is_known = labels >= 0
    return roc_auc(logits[is_known].cpu().numpy(), (labels[is_known] == 1).cpu().numpy())

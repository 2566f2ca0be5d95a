"""Pretexts: an encoder learns from slice labels which kinds of bleed a slice holds.

Multi-label classification of Spahr et al. 2023, section 2.6.2.2, with cross entropy ("CE") or Dice
("DL"): encoder, average pooling, perceptron 512-1024-256-7 (network `unet-classifier`), a sigmoid for
each of `OUTPUTS`. The released code of both cannot run: it takes the sigmoid of the slice, not of the
prediction.
"""

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int8
from torch import Tensor, nn

from ichnos.cohorts.slice_store import LABELS, SliceStore
from ichnos.errors import TrainingError
from ichnos.metrics.detection import roc_auc
from ichnos.training.batch import Batch
from ichnos.training.losses.dice import label_dice_loss
from ichnos.training.losses.label_entropy import count_positive_weights, weighted_label_loss
from ichnos.training.objectives.drawing import draw_with_normals
from ichnos.training.objectives.objective import Objective
from ichnos.training.objectives.slice_labels import check_both_kinds

OUTPUTS = ("none", *LABELS)
"""What the seven outputs stand for: no bleed, a bleed of whatever kind, each subtype."""


class MultiLabel(Objective):
    """What both losses share: as many normal as bleeding slices, all of whose labels are known.

    Attributes:
        normals_seed: of one choice of normal slices for all epochs, as the paper has it; None to choose
            others in each epoch.
    """

    normals_seed: int | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Half of the U-Net; its decoder starts anew."""
        return ("encoder",)

    def check(self, store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> None:
        """Both kinds of slices are needed, with their subtypes."""
        complete = _take_complete(store, chosen)
        if not len(complete):
            raise TrainingError(
                f"none of {len(chosen)} training slices has all its subtypes labelled; use the objective "
                "'binary-pretext', or add data with subtypes"
            )
        check_both_kinds(store, complete)

    def draw_rows(
        self, store: SliceStore, chosen: Int[np.ndarray, " chosen"], epoch: int, generator: torch.Generator
    ) -> Int[np.ndarray, " drawn"]:
        """All bleeding slices and as many normal ones."""
        complete = _take_complete(store, chosen)
        return draw_with_normals(store, complete, 1.0, generator, normals_seed=self.normals_seed)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, ""]:
        """Loss of seven outputs against seven labels."""
        return self.compare(model(batch.pixels), name_all(batch.labels))

    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Logits and labels of slices whose labels are all known."""
        is_complete = (batch.labels >= 0).all(dim=1)
        return {"logits": model(batch.pixels).float()[is_complete], "labels": name_all(batch.labels[is_complete])}

    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Loss, ROC-AUC of any bleed, and the mean ROC-AUC of those subtypes that occur."""
        logits, labels = measured["logits"], measured["labels"]
        if not len(logits):
            raise TrainingError("no validation slice has all its subtypes labelled; add patients with subtypes")
        areas = [roc_auc(logits[:, one].cpu().numpy(), labels[:, one].cpu().numpy()) for one in range(len(OUTPUTS))]
        present = [area for area in areas[2:] if not np.isnan(area)]
        figures = {"loss": float(self.compare(logits, labels)), "auc": areas[1]}
        return figures | ({"subtype_auc": float(np.mean(present))} if present else {})

    @abstractmethod
    def compare(self, logits: Float[Tensor, "slices 7"], labels: Bool[Tensor, "slices 7"]) -> Float[Tensor, ""]:
        """Loss of logits against labels, both in the order of `OUTPUTS`."""


class MultiLabelEntropy(MultiLabel):
    """Cross entropy whose positive part is weighed by the rarity of each label ("CE").

    Attributes:
        positive_weights: negatives per positive, (N - n) / n, of each of `OUTPUTS`. Left out, they are
            counted in the slices that the first epoch draws; never in validation slices, as the
            released code does.
    """

    positive_weights: tuple[float, float, float, float, float, float, float] | None = None

    def prepare(self, store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> "MultiLabelEntropy":
        """With its positive weights counted."""
        if self.positive_weights is not None:
            return self
        drawn = self.draw_rows(store, chosen, 0, torch.Generator().manual_seed(0))
        weights = count_positive_weights(name_all(torch.from_numpy(store.labels[drawn])), OUTPUTS)
        return self.model_copy(update={"positive_weights": tuple(weights.tolist())})

    def compare(self, logits: Float[Tensor, "slices 7"], labels: Bool[Tensor, "slices 7"]) -> Float[Tensor, ""]:
        """Weighted cross entropy."""
        assert self.positive_weights is not None, "prepare() counts them"
        return weighted_label_loss(logits, labels, torch.tensor(self.positive_weights))


class MultiLabelDice(MultiLabel):
    """Dice loss over the seven labels of a slice ("DL")."""

    def compare(self, logits: Float[Tensor, "slices 7"], labels: Bool[Tensor, "slices 7"]) -> Float[Tensor, ""]:
        """Mean over slices."""
        return label_dice_loss(logits, labels)


def name_all(labels: Int8[Tensor, "slices 6"]) -> Bool[Tensor, "slices 7"]:
    """Labels of a store in the order of `OUTPUTS`."""
    given = labels == 1
    return torch.cat([labels[:, :1] == 0, given], dim=1)


def _take_complete(store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> Int[np.ndarray, " complete"]:
    return np.asarray(chosen[(store.labels[chosen] >= 0).all(axis=1)])

"""Masks by subtype: which pixels are blood, and of which kind?

Neither paper has it; the bundled segmentation network is trained so. Six sigmoids for each pixel, of the five
subtypes and of any bleed. Each is compared by the mean of cross entropy over pixels and a soft Dice loss over
all slices of the batch together: a bleed of a few pixels then weighs as its pixels do, and a slice without
bleed teaches through what is wrongly found in it.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ichnos.cohorts.slice_store import MARKS, SliceStore
from ichnos.errors import TrainingError
from ichnos.models.outputs import KNOWN_LABELS
from ichnos.training.batch import Batch
from ichnos.training.losses.dice import EPSILON
from ichnos.training.objectives.drawing import draw_with_normals
from ichnos.training.objectives.objective import Objective
from ichnos.training.objectives.pixels import count_pixels, summarise_pixels, take_classes
from ichnos.training.objectives.supervised import take_masked

LABELS = KNOWN_LABELS[6]
"""In the order of the outputs; `any` is the last."""


class SubtypeMasks(Objective):
    """Six sigmoids for each pixel.

    Attributes:
        normals_per_bleed: slices without bleed for each bleeding one in an epoch, as far as there are.
        subtype_weight: of the mean loss of the five subtypes, against 1 for that of any bleed.
        epsilon: of the Dice loss, pixels.
    """

    normals_per_bleed: float = Field(default=1.0, ge=0.0)
    subtype_weight: float = Field(default=0.3, ge=0.0)
    epsilon: float = Field(default=EPSILON, gt=0.0)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Of each pixel."""
        return LABELS

    @property
    def learns_masks(self) -> bool:
        """From nothing else."""
        return True

    def check(self, store: SliceStore, chosen: Int[ndarray, " chosen"]) -> None:
        """Bleeding slices with masks are needed."""
        masked = take_masked(store, chosen)
        if not store.is_positive[masked].any():
            raise TrainingError(f"none of {len(masked)} training slices with masks is labelled as bleeding")

    def draw_rows(
        self, store: SliceStore, chosen: Int[ndarray, " chosen"], epoch: int, generator: torch.Generator
    ) -> Int[ndarray, " drawn"]:
        """Every bleeding slice with a mask, and others in proportion."""
        return draw_with_normals(store, take_masked(store, chosen), self.normals_per_bleed, generator)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, ""]:
        """Of any bleed, and of the five subtypes by their weight."""
        losses = self.compare_masks(take_classes(model(batch.pixels), len(LABELS)), take_subtypes(batch))
        return losses[-1] + self.subtype_weight * losses[:-1].mean()

    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Loss of each slice by itself, and counts of pixels at probability 0.5 of any bleed."""
        logits = take_classes(model(batch.pixels), len(LABELS))[batch.has_mask]
        masks = take_subtypes(batch)[batch.has_mask]
        losses = [self.compare_masks(*one)[-1] for one in zip(logits[:, None], masks[:, None], strict=True)]
        return {
            "loss": torch.stack(losses) if losses else logits.new_zeros(0),
            **count_pixels(logits[:, -1] >= 0, masks[:, -1]),
        }

    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Mean loss of any bleed; Dice over all slices as if they were one, and as a mean over those that bleed."""
        if not len(measured["loss"]):
            raise TrainingError("no validation slice has a mask; add cases with masks")
        return {"loss": float(measured["loss"].mean()), **summarise_pixels(measured)}

    def compare_masks(
        self, logits: Float[Tensor, "slices 6 rows columns"], masks: Bool[Tensor, "slices 6 rows columns"]
    ) -> Float[Tensor, "6"]:
        """Loss of each label: (cross entropy + 1 - Dice) / 2, over all pixels of all slices together."""
        logits, targets = logits.float(), masks.float()
        entropy = binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(dim=(0, 2, 3))
        probabilities = torch.sigmoid(logits)
        shared, total = (probabilities * targets).sum(dim=(0, 2, 3)), (probabilities + targets).sum(dim=(0, 2, 3))
        return (entropy + 1 - (2 * shared + self.epsilon) / (total + self.epsilon)) / 2


def take_subtypes(batch: Batch) -> Bool[Tensor, "slices 6 rows columns"]:
    """What was drawn, by label; blood of an untold subtype counts as any bleed alone."""
    subtypes = [(batch.marks & MARKS[name]) != 0 for name in LABELS[:-1]]
    return torch.stack([*subtypes, batch.bleed_masks], dim=1)

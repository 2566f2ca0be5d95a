"""Masks: which pixels are blood?

The supervised baselines of both papers, and the fine-tuning after a pretext. Dice loss, "ICH-only"
and "Mixed" sampling: Spahr et al. 2023, sections 2.5.2 and 2.5.3. Dice and cross entropy with
inverse-frequency sampling: Rasoulian et al. 2023, section 4.3 (its U-Net and Swin-UNETR).

Slices whose case has no mask are never drawn. A slice labelled as bleeding may have an empty mask on
the model grid, or after augmentation: its loss then counts as that of an empty slice (equation 5),
since it is the mask that is learned.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from pydantic import Field, model_validator
from torch import Tensor, nn

from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import TrainingError
from ichnos.models.outputs import KNOWN_LABELS
from ichnos.training.batch import Batch
from ichnos.training.losses.dice import EPSILON, dice_cross_entropy_loss, soft_dice_loss
from ichnos.training.objectives.drawing import draw_balanced, draw_with_normals, take_labelled
from ichnos.training.objectives.objective import Objective
from ichnos.training.objectives.pixels import (
    count_pixels,
    summarise_pixels,
    take_classes,
    to_one_logit,
    to_two_logits,
)

NORMALS_PER_BLEED = 2.0
"""Normal slices for each bleeding one in "Mixed" (Spahr et al. 2023, 2.5.3)."""


class Supervised(Objective):
    """One sigmoid for each pixel, or two exclusive outputs.

    Attributes:
        classes: outputs of the network: 1 (bleed; second paper) or 2 (no bleed, bleed; first paper).
        compare: `dice` (equation 4) or `dice-ce`, half of each, over both classes.
        epsilon: of the Dice loss, pixels.
        empty_weight: weight of slices whose mask is empty (alpha of equation 5; 0.2 in "Mixed"); with
            `dice` only.
        sampling: bleeding slices (`ich-only`), those and twice as many normal ones (`mixed`), or both
            kinds equally often (`balanced`).
        normals_seed: of one choice of normal slices for all epochs, as the second paper's code has it;
            None to choose others in each epoch. With `mixed` only.
    """

    classes: Literal[1, 2] = 1
    compare: Literal["dice", "dice-ce"] = "dice"
    epsilon: float = Field(default=EPSILON, gt=0.0)
    empty_weight: float = Field(default=1.0, ge=0.0)
    sampling: Literal["ich-only", "mixed", "balanced"] = "mixed"
    normals_seed: int | None = None

    @model_validator(mode="after")
    def _check_together(self) -> "Supervised":
        if self.compare != "dice" and self.empty_weight != 1.0:
            raise ValueError("empty_weight belongs to compare = 'dice'; leave it out")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """Of each pixel."""
        return KNOWN_LABELS[self.classes]

    @property
    def learns_masks(self) -> bool:
        """From nothing else."""
        return True

    def check(self, store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> None:
        """Bleeding slices with masks are needed; for balance, normal ones too."""
        masked = take_masked(store, chosen)
        positives = int(store.is_positive[masked].sum())
        if not positives:
            raise TrainingError(
                f"of {len(chosen)} training slices {len(masked)} have masks, and none of those is labelled as "
                "bleeding; add cases with masks, or train from slice labels first"
            )
        if self.sampling == "balanced" and positives == len(masked):
            raise TrainingError(
                f"all {positives} training slices with masks bleed, so they cannot be balanced; "
                "set objective.sampling to 'ich-only' or add whole scans"
            )

    def draw_rows(
        self, store: SliceStore, chosen: Int[np.ndarray, " chosen"], epoch: int, generator: torch.Generator
    ) -> Int[np.ndarray, " drawn"]:
        """Slices with masks only."""
        masked = take_masked(store, chosen)
        if self.sampling == "balanced":
            return draw_balanced(store, masked, generator)
        normals = NORMALS_PER_BLEED if self.sampling == "mixed" else 0.0
        return draw_with_normals(store, masked, normals, generator, normals_seed=self.normals_seed)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, ""]:
        """Mean over slices, all of which have masks."""
        return self.compare_masks(take_classes(model(batch.pixels), self.classes), batch.bleed_masks)

    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Loss and counts of pixels at probability 0.5, of each slice that has a mask."""
        logits = take_classes(model(batch.pixels), self.classes)[batch.has_mask]
        bleed_masks = batch.bleed_masks[batch.has_mask]
        losses = [self.compare_masks(*one) for one in zip(logits[:, None], bleed_masks[:, None], strict=True)]
        return {
            "loss": torch.stack(losses) if losses else logits.new_zeros(0),
            **count_pixels(to_one_logit(logits)[:, 0] >= 0, bleed_masks),
        }

    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Mean loss, and Dice over all slices as if they were one and as a mean over those that bleed.

        `dice` is the ratio of the sums (NaN where nothing was labelled and nothing predicted);
        `slice_dice` the mean over slices with a labelled pixel, others left out.
        """
        if not len(measured["loss"]):
            raise TrainingError(
                "no validation slice has a mask; add cases with masks, or validate on data.validation_store"
            )
        return {"loss": float(measured["loss"].mean()), **summarise_pixels(measured)}

    def compare_masks(
        self,
        logits: Float[Tensor, "slices {self.classes} rows columns"],
        bleed_masks: Shaped[Tensor, "slices rows columns"],
    ) -> Float[Tensor, ""]:
        """Loss of logits against masks, or soft targets in [0, 1]."""
        if self.compare == "dice":
            return soft_dice_loss(
                to_one_logit(logits), bleed_masks, epsilon=self.epsilon, empty_weight=self.empty_weight
            )
        return dice_cross_entropy_loss(to_two_logits(logits), bleed_masks, epsilon=self.epsilon)


def take_masked(store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> Int[np.ndarray, " masked"]:
    """Those of the chosen slices that have a mask and a label."""
    return take_labelled(store, np.asarray(chosen[store.has_mask[chosen]]))

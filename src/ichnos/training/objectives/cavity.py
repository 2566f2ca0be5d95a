"""The intracranial cavity: which pixels lie inside the skull?

As Spahr et al. 2023, 2.3.3: Dice loss on slices with a drawn cavity, those that show none included. Its two
networks differ in their window alone (0 to 600 and 150 to 650 HU), so each is a recipe of its own.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from numpy import ndarray
from pydantic import Field
from torch import Tensor, nn

from ichnos.cohorts.slice_store import MARKS, SliceStore
from ichnos.errors import TrainingError
from ichnos.training.batch import Batch
from ichnos.training.losses.dice import EPSILON, soft_dice_loss
from ichnos.training.objectives.drawing import draw_all
from ichnos.training.objectives.objective import Objective
from ichnos.training.objectives.pixels import count_pixels, summarise_pixels, take_classes


class Cavity(Objective):
    """One sigmoid for each pixel; the cavity of every chosen slice was drawn.

    Attributes:
        epsilon: of the Dice loss, pixels.
    """

    epsilon: float = Field(default=EPSILON, gt=0.0)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Of each pixel."""
        return ("brain",)

    @property
    def learns_masks(self) -> bool:
        """Of the cavity."""
        return True

    def check(self, store: SliceStore, chosen: Int[ndarray, " chosen"]) -> None:
        """Some cavity must have been drawn; a thousand slices tell."""
        if not (store.marks[chosen[:: max(1, len(chosen) // 1000)]] & MARKS["brain"]).any():
            raise TrainingError(
                f"none of {len(chosen)} training slices has a mask of the intracranial cavity; prepare with brain masks"
            )

    def draw_rows(
        self, store: SliceStore, chosen: Int[ndarray, " chosen"], epoch: int, generator: torch.Generator
    ) -> Int[ndarray, " drawn"]:
        """Every slice once."""
        return draw_all(chosen, generator)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, ""]:
        """Dice loss (equation 4), mean over slices."""
        return soft_dice_loss(take_classes(model(batch.pixels), 1), batch.brain_masks, epsilon=self.epsilon)

    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Loss and counts of pixels at probability 0.5, of each slice."""
        logits, brain_masks = take_classes(model(batch.pixels), 1), batch.brain_masks
        pairs = zip(logits[:, None], brain_masks[:, None], strict=True)
        losses = [soft_dice_loss(*pair, epsilon=self.epsilon) for pair in pairs]
        return {"loss": torch.stack(losses), **count_pixels(logits[:, 0] >= 0, brain_masks)}

    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Mean loss; Dice over all slices as if they were one, and as a mean over those that show the cavity."""
        return {"loss": float(measured["loss"].mean()), **summarise_pixels(measured)}

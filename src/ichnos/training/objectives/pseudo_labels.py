"""Masks that a classifier drew: a U-Net learns from the maps of a teacher that saw slice labels only.

Beyond both papers. The maps of `training.pseudo_targets` (HGI-SAM of a Swin trained by
`slice-labels`) are soft targets; slices with a real mask learn from that instead. Validation does
the same, so a run without any mask uses none to choose its epoch either.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import TrainingError
from ichnos.models.outputs import KNOWN_LABELS
from ichnos.preprocessing.augmentation import AUGMENTATIONS
from ichnos.preprocessing.warp import warp_masks, warp_pixels
from ichnos.training.batch import Batch
from ichnos.training.losses.dice import soft_dice_loss
from ichnos.training.objectives.drawing import draw_with_normals
from ichnos.training.objectives.objective import Objective
from ichnos.training.objectives.pixels import count_pixels, summarise_pixels, take_classes, to_one_logit
from ichnos.training.objectives.view import View
from ichnos.training.pseudo_targets import PseudoTargets, open_pseudo_targets


class PseudoLabels(Objective):
    """Dice loss on real masks; half of each, cross entropy and Dice loss, on soft targets.

    Attributes:
        targets: folder that `training.pseudo_targets.write_pseudo_targets` wrote for the same store.
        view: how much slices may change; targets and masks go along.
        classes: outputs of the network: 1 (bleed) or 2 (no bleed, bleed).
        uses_masks: whether slices that have a real mask learn from it; else from the target as all others.
        pseudo_weight: of a slice with a soft target, where one with a real mask weighs 1.
        empty_weight: of a slice whose target or mask is empty, in the Dice loss (`supervised`).
        normals_per_bleed: normal slices drawn for each bleeding one.
    """

    makes_views: ClassVar[bool] = True

    targets: Path
    view: View = AUGMENTATIONS["label-efficient"]
    classes: Literal[1, 2] = 1
    uses_masks: bool = True
    pseudo_weight: float = Field(default=0.5, ge=0.0)
    empty_weight: float = Field(default=0.2, ge=0.0)
    normals_per_bleed: float = Field(default=2.0, ge=0.0)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Of each pixel."""
        return KNOWN_LABELS[self.classes]

    @property
    def learns_masks(self) -> bool:
        """Where it may."""
        return self.uses_masks

    def check(self, store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> None:
        """Targets must be those of this store, and some of them must show blood."""
        _open.cache_clear()  # they may have been made anew
        _open(self.targets).check_store(store)
        usable = self._take_usable(store, chosen)
        if not store.is_positive[usable].any():
            raise TrainingError(
                f"of {len(chosen)} training slices {len(usable)} have a target or a mask, none of them with blood; "
                f"the teacher of {self.targets} saw none: train it longer, or lower its probability gate"
            )

    def draw_rows(
        self, store: SliceStore, chosen: Int[np.ndarray, " chosen"], epoch: int, generator: torch.Generator
    ) -> Int[np.ndarray, " drawn"]:
        """Bleeding slices in which the teacher saw it or that have a mask, and normal ones."""
        return draw_with_normals(store, self._take_usable(store, chosen), self.normals_per_bleed, generator)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, ""]:
        """Weighted mean over slices."""
        warp = self.view.draw_warp(batch.pixels, generator)
        pixels = self.view.change_intensity(warp_pixels(batch.pixels, warp), generator)
        soft = warp_pixels(self._read(batch)[:, None], warp)[:, 0]
        is_real = batch.has_mask & self.uses_masks
        targets = torch.where(is_real[:, None, None], warp_masks(batch.bleed_masks, warp).float(), soft)
        losses = self._compare(take_classes(model(pixels), self.classes), targets, is_real)
        weights = torch.where(is_real, 1.0, self.pseudo_weight)
        return (losses * weights).sum() / weights.sum().clamp(min=1e-6)

    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Loss of slices with a target or a mask; agreement with the mask where there is one."""
        logits = take_classes(model(batch.pixels), self.classes)
        is_real = batch.has_mask & self.uses_masks
        targets = torch.where(is_real[:, None, None], batch.bleed_masks.float(), self._read(batch))
        is_usable = torch.from_numpy(_open(self.targets).is_usable[batch.rows.cpu().numpy()]).to(logits.device)
        counted = is_usable | is_real
        found = to_one_logit(logits)[:, 0] >= 0
        return {
            "loss": self._compare(logits, targets, is_real)[counted],
            **count_pixels(found[batch.has_mask], batch.bleed_masks[batch.has_mask]),
        }

    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Mean loss; where slices have masks, also Dice as of `supervised`, on which nothing is chosen."""
        if not len(measured["loss"]):
            raise TrainingError("no validation slice has a pseudo-target; raise data.validation_fraction")
        figures = {"loss": float(measured["loss"].mean())}
        return figures | (summarise_pixels(measured) if len(measured["hits"]) else {})

    def _take_usable(self, store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> Int[np.ndarray, " usable"]:
        is_usable: Bool[np.ndarray, " slices"] = _open(self.targets).is_usable | (store.has_mask & self.uses_masks)
        return np.asarray(chosen[is_usable[chosen]])

    def _read(self, batch: Batch) -> Float[Tensor, "slices rows columns"]:
        values = _open(self.targets).values[batch.rows.cpu().numpy()]
        return torch.from_numpy(values).to(batch.pixels.device).float() / 255

    def _compare(
        self,
        logits: Float[Tensor, "slices {self.classes} rows columns"],
        targets: Float[Tensor, "slices rows columns"],
        is_real: Bool[Tensor, " slices"],
    ) -> Float[Tensor, " slices"]:
        """Loss of each slice."""
        single = to_one_logit(logits).float()
        pairs = zip(single[:, None], targets[:, None], strict=True)
        dice = torch.stack([soft_dice_loss(*pair, empty_weight=self.empty_weight) for pair in pairs])
        entropy = nn.functional.binary_cross_entropy_with_logits(single[:, 0], targets, reduction="none")
        return torch.where(is_real, dice, (dice + entropy.mean(dim=(1, 2))) / 2)


@lru_cache(maxsize=4)
def _open(folder: Path) -> PseudoTargets:
    """Opened once, read in every step."""
    return open_pseudo_targets(folder)

"""Pretext: an encoder learns from the slice labels of a large collection whether a slice bleeds.

Binary classification of Spahr et al. 2023, section 2.6.2.1: encoder, average pooling, perceptron
512-1024-256-2 (network `unet-classifier`). The released code applies softmax twice and weighs the
commoner class up; we do neither.
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ichnos.cohorts.slice_store import SliceStore
from ichnos.training.batch import Batch
from ichnos.training.objectives.drawing import draw_with_normals
from ichnos.training.objectives.objective import Objective
from ichnos.training.objectives.slice_labels import check_both_kinds, measure_slices, summarise_slices


class BinaryPretext(Objective):
    """Plain cross entropy of two outputs; as many normal as bleeding slices.

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
        """Both kinds of slices are needed."""
        check_both_kinds(store, chosen)

    def draw_rows(
        self, store: SliceStore, chosen: Int[np.ndarray, " chosen"], epoch: int, generator: torch.Generator
    ) -> Int[np.ndarray, " drawn"]:
        """All bleeding slices and as many normal ones."""
        return draw_with_normals(store, chosen, 1.0, generator, normals_seed=self.normals_seed)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, ""]:
        """Mean cross entropy of (no bleed, bleed) against the `any` label."""
        return nn.functional.cross_entropy(model(batch.pixels).float(), batch.is_positive.long())

    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Logits and labels."""
        return measure_slices(model, batch)

    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Balanced loss and ROC-AUC."""
        return summarise_slices(measured)

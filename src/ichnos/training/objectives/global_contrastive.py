"""Pretext: an encoder learns to know a slice again in another view; no labels.

Global contrastive learning of Spahr et al. 2023, section 2.6.1.2, after Chen et al. 2020 ("SimCLR"):
encoder, average pooling, perceptron 512-512-128 (network `unet-classifier` with `hidden = [512]` and
`outputs = 128`), NT-Xent over the slices of a batch. The paper does not say how its views change
contrast, brightness, blur and crop; `view` has the magnitudes of its code.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import PositiveFloat
from torch import Tensor, nn

from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import TrainingError
from ichnos.preprocessing.augmentation import AUGMENTATIONS
from ichnos.training.batch import Batch
from ichnos.training.losses.contrastive import TEMPERATURE, slice_contrastive_loss
from ichnos.training.objectives.drawing import draw_unlabelled, spread_patients
from ichnos.training.objectives.objective import Objective
from ichnos.training.objectives.view import View


class GlobalContrastive(Objective):
    """NT-Xent of two views.

    Attributes:
        view: how much each of both views may change; channels in [0, 1] are expected.
        temperature: by which cosines are divided.
        sampling: every slice once (`all`), or bleeding and as many normal slices (`equal`, as the
            paper does, which needs slice labels for it).
        spreads_patients: keep slices of one patient far apart, so that near-equal neighbours are not
            told apart within a batch; the paper shuffles.
    """

    makes_views: ClassVar[bool] = True

    view: View = AUGMENTATIONS["global-contrastive"]
    temperature: PositiveFloat = TEMPERATURE
    sampling: Literal["all", "equal"] = "all"
    spreads_patients: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """Half of the U-Net; its decoder starts anew, or is trained by `local-contrastive`."""
        return ("encoder",)

    def check(self, store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> None:
        """Two slices are needed to tell them apart."""
        drawn = len(draw_unlabelled(store, chosen, self.sampling, torch.Generator()))
        if drawn < 2:
            raise TrainingError(
                f"sampling {self.sampling!r} draws {drawn} of {len(chosen)} training slices; two are needed to be "
                "told apart: add data"
            )

    def draw_rows(
        self, store: SliceStore, chosen: Int[np.ndarray, " chosen"], epoch: int, generator: torch.Generator
    ) -> Int[np.ndarray, " drawn"]:
        """Slices, whatever is known of them."""
        rows = draw_unlabelled(store, chosen, self.sampling, generator)
        return spread_patients(store, rows, generator) if self.spreads_patients else rows

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, ""]:
        """Mean over both views of all slices; each view passes the network alone, with its own statistics."""
        views = self.view.make_views(batch.pixels, generator)
        return slice_contrastive_loss(model(views.first), model(views.second), temperature=self.temperature)

    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """The batch's loss, once for each slice; nothing of a batch of one slice."""
        if len(batch) < 2:
            return {"loss": batch.pixels.new_zeros(0)}
        return {"loss": self.loss(model, batch, generator).expand(len(batch))}

    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Mean over batches; comparable between runs of one batch size only."""
        if not len(measured["loss"]):
            raise TrainingError("one validation slice cannot be told apart from others; raise data.validation_fraction")
        return {"loss": float(measured["loss"].mean())}

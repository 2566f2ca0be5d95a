"""Pretext: a U-Net puts right what swapped patches have spoilt; no labels.

Context restoration of Spahr et al. 2023, section 2.6.1.1, after Chen et al. 2019. The target is the
slice as it was before the swaps, that is, augmented; the output is linear.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import PositiveInt
from torch import Tensor, nn

from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import TrainingError
from ichnos.preprocessing.patch_swaps import SIDE, SWAPS, swap_patches
from ichnos.training.batch import Batch
from ichnos.training.objectives.drawing import draw_unlabelled
from ichnos.training.objectives.objective import Objective


class ContextRestoration(Objective):
    """Mean squared error of the restored slice.

    Attributes:
        swaps: pairs of patches that are swapped, one after the other.
        patch_px: rows and columns of a patch; the paper's 20 are of 256 pixels, so take 8 at 96.
        sampling: every slice once (`all`), or bleeding and as many normal slices (`equal`, as the
            paper does, which needs slice labels for it).
        transfers_output: whether the last 1 x 1 convolution is worth transferring too, as the released
            code does, though it has learned to paint, not to tell blood.
    """

    swaps: PositiveInt = SWAPS
    patch_px: PositiveInt = SIDE
    sampling: Literal["all", "equal"] = "all"
    transfers_output: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The whole U-Net, but for its output."""
        return ("encoder", "decoder", "output") if self.transfers_output else ("encoder", "decoder")

    def check(self, store: SliceStore, chosen: Int[np.ndarray, " chosen"]) -> None:
        """There must be slices to draw."""
        if not len(draw_unlabelled(store, chosen, self.sampling, torch.Generator())):
            raise TrainingError(
                f"sampling {self.sampling!r} draws none of {len(chosen)} training slices; "
                "add slices labelled as bleeding, or set objective.sampling to 'all'"
            )

    def draw_rows(
        self, store: SliceStore, chosen: Int[np.ndarray, " chosen"], epoch: int, generator: torch.Generator
    ) -> Int[np.ndarray, " drawn"]:
        """Slices, whatever is known of them."""
        return draw_unlabelled(store, chosen, self.sampling, generator)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, ""]:
        """Mean over pixels."""
        return self._restore(model, batch, generator).mean()

    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Mean squared error of each slice."""
        return {"loss": self._restore(model, batch, generator)}

    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Mean over slices."""
        return {"loss": float(measured["loss"].mean())}

    def _restore(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, " slices"]:
        spoilt = swap_patches(batch.pixels, generator, swaps=self.swaps, side=self.patch_px)
        return (model(spoilt).float() - batch.pixels.float()).square().mean(dim=(1, 2, 3))

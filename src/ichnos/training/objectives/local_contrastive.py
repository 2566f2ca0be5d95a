"""Pretext: a decoder learns to know a place of a slice again in another view; no labels.

Local contrastive learning of Spahr et al. 2023, section 2.6.1.3, after Chaitanya et al. 2020: the
encoder comes from `global-contrastive` and is frozen, three decoder blocks and a projection of each
place learn (network `unet-regions`).

What differs from the released code: the frozen encoder stays in eval mode; regions are compared over
features, not over rows; and both views share their geometry, so that equal places show equal
tissue. The paper moves both views apart and yet compares equal places; `aligned = false` does so.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import TrainingError
from ichnos.preprocessing.augmentation import AUGMENTATIONS
from ichnos.training.batch import Batch
from ichnos.training.losses.contrastive import REGIONS, TEMPERATURE, choose_cells, region_contrastive_loss
from ichnos.training.objectives.drawing import draw_unlabelled
from ichnos.training.objectives.objective import Objective
from ichnos.training.objectives.view import View

_AIR_SHARE = 0.05
"""Of the range of a slice's intensities: pixels this close to its darkest are air."""


class LocalContrastive(Objective):
    """Each of `regions` regions must be found among all regions of its slice.

    Attributes:
        view: how much each of both views may change; channels in [0, 1] are expected.
        aligned: whether both views share shift, rotation, size and crop.
        regions: cells of 3 x 3 places in each slice, at first those that lie in the head.
        temperature: by which cosines are divided.
        sampling: every slice once (`all`), or bleeding and as many normal slices (`equal`, as the
            paper does, which needs slice labels for it).
    """

    makes_views: ClassVar[bool] = True

    view: View = AUGMENTATIONS["local-contrastive"]
    aligned: bool = True
    regions: PositiveInt = REGIONS
    temperature: PositiveFloat = TEMPERATURE
    sampling: Literal["all", "equal"] = "all"

    @property
    def parts(self) -> tuple[str, ...]:
        """The U-Net but for its last decoder block and its output, which the trained network lacks."""
        return ("encoder", "decoder")

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
        """Mean over regions and slices."""
        views = self.view.make_views(batch.pixels, generator, shared_geometry=self.aligned)
        first, second = model(views.first), model(views.second)
        in_head = views.is_inside & find_head(views.first) & find_head(views.second)
        cells = choose_cells(in_head, (first.shape[2], first.shape[3]), generator, regions=self.regions)
        return region_contrastive_loss(first, second, cells, temperature=self.temperature)

    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """The batch's loss, once for each slice."""
        return {"loss": self.loss(model, batch, generator).expand(len(batch))}

    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Mean over slices."""
        return {"loss": float(measured["loss"].mean())}


def find_head(pixels: Float[Tensor, "slices channels rows columns"]) -> Bool[Tensor, "slices rows columns"]:
    """Pixels that are not air in some channel: brighter than the slice's darkest by a twentieth of its range.

    Nothing where a slice is all alike.
    """
    low, high = pixels.amin(dim=(2, 3), keepdim=True), pixels.amax(dim=(2, 3), keepdim=True)
    return (pixels > low + _AIR_SHARE * (high - low)).any(dim=1)

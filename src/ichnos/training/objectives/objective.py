"""What every learning strategy answers: which slices, which head, which loss."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from numpy import ndarray
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from ichnos.cohorts.slice_store import SliceStore
from ichnos.training.batch import Batch


class Objective(BaseModel, ABC):
    """One learning strategy; its fields are its settings in a recipe.

    The loop is the same for all: it draws rows, makes batches, augments them as the recipe says,
    asks for the loss, and validates. A strategy holds no weights and no state; a head that it
    needs is part of the module that `attach` returns.

    Attributes:
        makes_views: whether it changes the slices itself, by its setting `view`, because it needs more
            than one view of each or moves more than a batch holds. The loop must then hand over
            batches as they are stored.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    makes_views: ClassVar[bool] = False

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of the network (`models.transfer`) that are worth transferring; empty for all of them."""
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the outputs of the trained network stand for (`models.outputs`).

        Empty for a pretext, after which the network cannot segment yet.
        """
        return ()

    @property
    def learns_masks(self) -> bool:
        """Whether masks that somebody drew are learned from; they are told in the checkpoint."""
        return False

    def prepare(self, store: SliceStore, chosen: Int[ndarray, " chosen"]) -> "Objective":
        """This strategy with all that must be counted in the training slices; most have nothing to count.

        Called once, after `check`; what comes back is trained with, and told in the checkpoint.
        """
        return self

    def check(self, store: SliceStore, chosen: Int[ndarray, " chosen"]) -> None:
        """Raise TrainingError if the chosen training slices cannot serve this strategy."""

    @abstractmethod
    def draw_rows(
        self, store: SliceStore, chosen: Int[ndarray, " chosen"], epoch: int, generator: torch.Generator
    ) -> Int[ndarray, " drawn"]:
        """Rows of the store that an epoch visits, in their order; random by `generator` alone.

        Its length must not depend on the epoch: the schedule counts on it.
        """

    def attach(self, network: nn.Module) -> nn.Module:
        """The module to train: the network itself, or the network (or parts of it) with a head."""
        return network

    @abstractmethod
    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Float[Tensor, ""]:
        """Loss of one batch that was augmented already.

        Args:
            model: what `attach` returned, in training mode.
            batch: on the model's device.
            generator: of the CPU; all randomness must come from it.
        """

    @abstractmethod
    def measure(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Mapping[str, Tensor]:
        """What validation needs of one batch: tensors whose first axis is the slices."""

    @abstractmethod
    def summarise(self, measured: Mapping[str, Tensor]) -> dict[str, float]:
        """Figures of a whole validation pass from what `measure` gave, concatenated.

        `loss` is among them: the loop keeps the epoch where it is least.
        """

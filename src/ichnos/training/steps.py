"""What a training step is: augment, ask the objective, check; Lightning calls it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from ichnos.errors import TrainingError
from ichnos.preprocessing.augmentation import Augmentation
from ichnos.training.batch import Batch
from ichnos.training.objectives.objective import Objective
from ichnos.training.optimizers import make_optimizer, make_schedule
from ichnos.training.recipe import TrainingRecipe

REMEDY = "lower optimisation.learning_rate and start anew"


class NotFiniteError(TrainingError):
    """A batch whose loss is not finite.

    Attributes:
        rows: its slices' places in the store.
    """

    def __init__(self, message: str, rows: list[int]) -> None:
        super().__init__(message)
        self.rows = rows


class Training(lightning.LightningModule):
    """A network with the head that its objective needs, and its schedule.

    Args:
        model: what the objective attached to.
        objective: what is trained for.
        recipe: seed, augmentation, optimisation.
        batches: of an epoch, in each process.
    """

    def __init__(self, model: nn.Module, objective: Objective, recipe: TrainingRecipe, batches: int) -> None:
        super().__init__()
        self.objective = objective
        self.model = model
        self.recipe = recipe
        self.batches = batches
        self.measured: list[Mapping[str, Tensor]] = []
        self.losses = torch.zeros(2, dtype=torch.float64)
        self.figures: dict[str, float] = {}

    def train(self, mode: bool = True) -> "Training":
        """As ever, but what is frozen keeps its running statistics."""
        super().train(mode)
        for module in self.modules():
            own = list(module.parameters(recurse=False))
            if own and not any(parameter.requires_grad for parameter in own):
                module.eval()
        return self

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Copy while the GPU computes."""
        return batch.to(device, non_blocking=True)

    def on_train_epoch_start(self) -> None:
        """Begin the mean of the losses anew, unless an interrupted epoch goes on."""
        self.losses = self.losses.to(self.device)

    def training_step(self, batch: Batch, number: int) -> Tensor:
        """Loss of one augmented batch; its randomness starts anew, so that a resumed run repeats it."""
        place = self.current_epoch * self.batches + number
        seed = self.recipe.seed * 1_000_003 + place + 1_000_000_007 * self.global_rank
        torch.manual_seed(seed)  # for dropped paths
        generator = torch.Generator().manual_seed(seed)
        seen = batch if self.objective.makes_views else augment(batch, self.recipe.augmentation, generator)
        loss = self.objective.loss(self.model, seen, generator)
        if not torch.isfinite(loss):
            message = f"the loss is {loss.item()} at step {self.global_step}; {REMEDY}"
            raise NotFiniteError(message, batch.rows.tolist())
        self.losses += torch.stack([loss.detach().double(), torch.ones_like(loss, dtype=torch.float64)])
        self.log("loss", loss, prog_bar=True, logger=True, batch_size=len(batch))
        return loss

    def on_train_epoch_end(self) -> None:
        """Close the mean of the losses."""
        self.losses = torch.zeros(2, dtype=torch.float64, device=self.device)

    def on_validation_start(self) -> None:
        """Of several processes, all go on with the running statistics of the first."""
        if self.trainer.world_size > 1:
            for buffer in self.model.buffers():
                torch.distributed.broadcast(buffer, 0)

    def validation_step(self, batch: Batch, _: int) -> None:
        """Collect what the objective measures; its randomness depends on the slices alone."""
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + int(batch.rows[0]))
        measured = self.objective.measure(self.model, batch, generator)
        self.measured.append({name: value.detach().cpu() for name, value in measured.items()})

    def on_validation_epoch_end(self) -> None:
        """Log the objective's figures over all validation slices; not those without a value."""
        together = self._gather()
        figures = self.objective.summarise(together)
        if not math.isfinite(figures["loss"]):
            raise TrainingError(f"the validation loss is {figures['loss']} at step {self.global_step}; {REMEDY}")
        validation = {f"validation_{name}": float(value) for name, value in figures.items()}
        self.figures = {"loss": self._mean_loss(), **validation}
        self.log_dict({name: value for name, value in validation.items() if math.isfinite(value)}, prog_bar=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the unfinished mean of the losses."""
        checkpoint["losses"] = self.losses.cpu()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with it."""
        self.losses = checkpoint["losses"]

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's own union
        """As the recipe says."""
        settings = self.recipe.optimisation
        optimizer = make_optimizer(self.model, settings)
        steps = math.ceil(self.batches / settings.accumulate) * settings.epochs
        schedule, interval = make_schedule(optimizer, settings, steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": interval}}

    def _mean_loss(self) -> float:
        losses = self.losses.clone()
        if self.trainer.world_size > 1:
            torch.distributed.all_reduce(losses)
        return float(losses[0] / losses[1])

    def _gather(self) -> dict[str, Tensor]:
        """What was measured, of all processes, in the order of the slices."""
        measured: list[list[Mapping[str, Tensor]]] = [self.measured]
        if self.trainer.world_size > 1:
            measured = [[] for _ in range(self.trainer.world_size)]
            torch.distributed.all_gather_object(measured, self.measured)
        self.measured = []
        parts = [one for part in measured for one in part]
        return {name: torch.cat([one[name] for one in parts]) for name in parts[0]}


def augment(batch: Batch, augmentation: Augmentation, generator: torch.Generator) -> Batch:
    """Change slices at random, and what was drawn on them with them."""
    if not batch.has_mask.any():
        return replace(batch, pixels=augmentation.apply(batch.pixels, generator))
    pixels, marks = augmentation.apply_with_masks(batch.pixels, batch.marks, generator)
    return replace(batch, pixels=pixels, marks=marks)

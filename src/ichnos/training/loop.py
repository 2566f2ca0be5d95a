"""The training loop: Lightning runs it, this file says what a step is and when to stop."""

import json
import logging
import math
import signal
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ichnos.errors import TrainingError
from ichnos.runtime.files import write_json
from ichnos.training.batch import Batch
from ichnos.training.objectives.registry import make_objective
from ichnos.training.recipe import TrainingRecipe

Batches = DataLoader[Batch]

_REMEDY = "lower optimisation.learning_rate and start anew"


class Training(lightning.LightningModule):
    """A network with the head that its objective needs, and its schedule."""

    def __init__(self, model: nn.Module, recipe: TrainingRecipe, steps: int) -> None:
        super().__init__()
        self.objective = make_objective(recipe.objective)
        self.model = self.objective.attach(model)
        self.recipe = recipe
        self.steps = steps
        self.measured: list[Mapping[str, Tensor]] = []

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of one augmented batch; its randomness starts anew, so that a resumed run repeats it."""
        seed = self.recipe.seed * 1_000_003 + self.global_step
        torch.manual_seed(seed)  # for dropped paths
        generator = torch.Generator().manual_seed(seed)
        pixels = self.recipe.augmentation.apply(batch.pixels, generator)
        loss = self.objective.loss(self.model, replace(batch, pixels=pixels), generator)
        if not torch.isfinite(loss):
            raise TrainingError(f"the loss is {loss.item()} at step {self.global_step}; {_REMEDY}")
        self.log("loss", loss, prog_bar=True, on_step=False, on_epoch=True, batch_size=len(batch))
        return loss

    def validation_step(self, batch: Batch, number: int) -> None:
        """Collect what the objective measures."""
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + number)
        self.measured.append(self.objective.measure(self.model, batch, generator))

    def on_validation_epoch_end(self) -> None:
        """Log the objective's figures over all validation slices."""
        together = {name: torch.cat([one[name] for one in self.measured]) for name in self.measured[0]}
        self.measured.clear()
        figures = self.objective.summarise(together)
        if not math.isfinite(figures["loss"]):
            raise TrainingError(f"the validation loss is {figures['loss']} at step {self.global_step}; {_REMEDY}")
        self.log_dict({f"validation_{name}": value for name, value in figures.items()}, prog_bar=True)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's own union
        """AdamW on a one-cycle schedule over all epochs."""
        settings = self.recipe.optimisation
        optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=settings.learning_rate, total_steps=self.steps, pct_start=0.2
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def fit(
    model: nn.Module,
    recipe: TrainingRecipe,
    batches: tuple[Batches, Batches],
    folder: Path,
    *,
    device: torch.device,
    quiet: bool = False,
) -> dict[str, float]:
    """Train until the epochs are over or patience ends; leaves the best epoch's weights in `model`.

    A run that was interrupted goes on from the last finished epoch in `folder`; a finished one is
    only read back.

    Args:
        model: changed in place.
        recipe: objective, schedule, seed, augmentation.
        batches: for training and for validation.
        folder: keeps `last.ckpt`, `best.ckpt` and `metrics.csv`; at the end `fitted.json`.
        device: to train on.
        quiet: no progress bar.

    Returns:
        Epochs run, and the best epoch's validation loss.

    Raises:
        TrainingError: no batch fits, or the loss is not finite.
    """
    training, _ = batches
    if len(training) == 0:
        raise TrainingError(
            f"the training slices do not fill one batch of {recipe.optimisation.batch_size}; add data or lower "
            "optimisation.batch_size"
        )
    module = Training(model, recipe, steps=len(training) * recipe.optimisation.epochs)
    fitted = folder / "fitted.json"
    if not fitted.is_file():
        write_json(fitted, _run(module, batches, folder, device=device, quiet=quiet))
    kept = torch.load(folder / "best.ckpt", map_location="cpu", weights_only=True)
    module.load_state_dict(kept["state_dict"])
    model.cpu().eval()
    figures: dict[str, float] = json.loads(fitted.read_text(encoding="utf-8"))
    return figures


def _run(
    module: Training, batches: tuple[Batches, Batches], folder: Path, *, device: torch.device, quiet: bool
) -> dict[str, float]:
    settings = module.recipe.optimisation
    best = ModelCheckpoint(folder, "best", monitor="validation_loss", enable_version_counter=False)
    latest = ModelCheckpoint(folder, "last", enable_version_counter=False)  # after `best`, whose state it holds
    stopping = EarlyStopping("validation_loss", patience=settings.patience)
    bars = [] if quiet else [RichProgressBar()]
    with _calm_lightning(), _stoppable():
        trainer = lightning.Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=[device.index or 0] if device.type == "cuda" else 1,
            max_epochs=settings.epochs,
            callbacks=[stopping, best, latest, *bars],
            logger=CSVLogger(folder, name=None, version=""),
            gradient_clip_val=settings.clip_gradient,
            enable_progress_bar=not quiet,
            enable_model_summary=False,
            deterministic=True,
            num_sanity_val_steps=0,
            log_every_n_steps=10,
        )
        last = folder / "last.ckpt"
        trainer.fit(module, *batches, ckpt_path=last if last.is_file() else None)
    assert best.best_model_score is not None
    return {"epochs": float(trainer.current_epoch), "validation_loss": float(best.best_model_score)}


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let Ctrl-C reach the caller, where Lightning would exit on its own and ignore the next one."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as stop:
        if not isinstance(stop.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from stop


@contextmanager
def _calm_lightning() -> Iterator[None]:
    """Keep Lightning's advice off the user's screen and its switches out of the rest of the process."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            yield
    finally:
        logger.setLevel(level)
        torch.use_deterministic_algorithms(deterministic)

"""The training loop: Lightning runs it, this file says what a step is and when to stop."""

import json
import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import torch
from jaxtyping import Bool, Float
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ichnos.errors import TrainingError
from ichnos.metrics.detection import roc_auc
from ichnos.runtime.files import write_json
from ichnos.training.objectives.slice_labels import balanced_slice_label_loss, slice_label_loss
from ichnos.training.recipe import TrainingRecipe

Batches = DataLoader[tuple[Tensor, Tensor]]

_REMEDY = "lower optimisation.learning_rate and start anew"


class SliceTraining(lightning.LightningModule):
    """A network, its objective and its schedule."""

    def __init__(self, model: nn.Module, recipe: TrainingRecipe, steps: int) -> None:
        super().__init__()
        self.model = model
        self.recipe = recipe
        self.steps = steps
        self.validation: list[tuple[Tensor, Tensor]] = []

    def training_step(
        self, batch: tuple[Float[Tensor, "slices channels rows columns"], Bool[Tensor, "slices 6"]], _: int
    ) -> Tensor:
        """Loss of one augmented batch; its randomness starts anew, so that a resumed run repeats it."""
        pixels, labels = batch
        seed = self.recipe.seed * 1_000_003 + self.global_step
        torch.manual_seed(seed)  # for dropped paths
        generator = torch.Generator().manual_seed(seed)
        loss = slice_label_loss(self.model(self.recipe.augmentation.apply(pixels, generator)), labels)
        if not torch.isfinite(loss):
            raise TrainingError(f"the loss is {loss.item()} at step {self.global_step}; {_REMEDY}")
        self.log("loss", loss, prog_bar=True, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss

    def validation_step(
        self, batch: tuple[Float[Tensor, "slices channels rows columns"], Bool[Tensor, "slices 6"]], _: int
    ) -> None:
        """Collect logits and labels."""
        pixels, labels = batch
        self.validation.append((self.model(pixels), labels))

    def on_validation_epoch_end(self) -> None:
        """Log balanced loss and ROC-AUC over all validation slices."""
        logits = torch.cat([logits for logits, _ in self.validation])
        labels = torch.cat([labels for _, labels in self.validation])
        self.validation.clear()
        probabilities = torch.softmax(logits.float(), dim=1)[:, 1]
        loss = balanced_slice_label_loss(logits, labels)
        if not torch.isfinite(loss):
            raise TrainingError(f"the validation loss is {loss.item()} at step {self.global_step}; {_REMEDY}")
        self.log("validation_loss", loss, prog_bar=True)
        self.log("validation_auc", roc_auc(probabilities.cpu().numpy(), labels[:, 0].cpu().numpy()), prog_bar=True)

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
        recipe: schedule, seed, augmentation.
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
    module = SliceTraining(model, recipe, steps=len(training) * recipe.optimisation.epochs)
    fitted = folder / "fitted.json"
    if not fitted.is_file():
        write_json(fitted, _run(module, batches, folder, device=device, quiet=quiet))
    kept = torch.load(folder / "best.ckpt", map_location="cpu", weights_only=True)
    module.load_state_dict(kept["state_dict"])
    model.cpu().eval()
    figures: dict[str, float] = json.loads(fitted.read_text(encoding="utf-8"))
    return figures


def _run(
    module: SliceTraining, batches: tuple[Batches, Batches], folder: Path, *, device: torch.device, quiet: bool
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

"""The training loop: Lightning runs it; this file says with what, and what is kept."""

import json
import logging
import re
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from torch import nn
from torch.multiprocessing.spawn import ProcessRaisedException
from torch.utils.data import DataLoader

from ichnos.errors import TrainingError
from ichnos.runtime.files import write_json
from ichnos.training.batch import Batch
from ichnos.training.batches import TrainingLoader
from ichnos.training.epoch_table import EpochTable
from ichnos.training.guards import guarding
from ichnos.training.machine import Machine, choose_precision, is_launched
from ichnos.training.objectives.objective import Objective
from ichnos.training.recipe import Optimisation, TrainingRecipe
from ichnos.training.saving import SaveWithinEpoch
from ichnos.training.steps import Training

Batches = tuple[TrainingLoader, DataLoader[Batch]]
"""For training and for validation."""


def fit(
    model: nn.Module, recipe: TrainingRecipe, batches: Batches, folder: Path, machine: Machine, *, quiet: bool = False
) -> dict[str, float]:
    """Train until the epochs are over or patience ends; leaves the kept epoch's weights in `model`.

    A run that was interrupted goes on from the last state saved in `folder`, be it within an epoch; a
    finished one is only read back.

    Args:
        model: changed in place; what is frozen in it stays as it is.
        recipe: schedule, seed, augmentation.
        batches: for training, drawn by the objective, and for validation.
        folder: keeps `last.ckpt`, `best.ckpt`, `metrics.csv` (one row an epoch) and TensorBoard's events;
            at the end `fitted.json`; where a loss is not finite, `nonfinite.json`.
        machine: to train on.
        quiet: no progress bar.

    Returns:
        Epochs run, and the kept epoch's validation loss.

    Raises:
        TrainingError: no batch fits, the loss is not finite, memory is exhausted, or SIGTERM came.
        UsageError: a precision that the device lacks.
    """
    rows = batches[0].batch_sampler
    objective: Objective = rows.sampler.objective
    count = rows.count(machine.processes)
    _check_batches(batches, count, machine)
    module = Training(objective.attach(model), objective, recipe, count).train()
    module.to(memory_format=torch.channels_last)  # faster convolutions: benchmarks/channels_last.py
    fitted = folder / "fitted.json"
    if not fitted.is_file():
        with guarding(batches[0].dataset.store, recipe.optimisation, folder):  # type: ignore[attr-defined]
            _run(module, batches, folder, machine, quiet=quiet)
    kept = torch.load(folder / f"{recipe.optimisation.keep}.ckpt", map_location="cpu", weights_only=True)
    module.load_state_dict(kept["state_dict"])
    model.cpu().eval()
    figures: dict[str, float] = json.loads(fitted.read_text(encoding="utf-8"))
    return figures


def _check_batches(batches: Batches, count: int, machine: Machine) -> None:
    size, processes = batches[0].batch_sampler.size, machine.processes
    together = "" if processes == 1 else f" in each of {processes} processes"
    if count == 0:
        raise TrainingError(
            f"the training slices do not fill one batch of {size}{together}; add data or lower optimisation.batch_size"
        )
    if len(batches[1]) < processes:
        raise TrainingError(
            f"the validation slices make {len(batches[1])} batches, which do not go round {processes} processes; "
            "add data or lower optimisation.batch_size"
        )


def _run(module: Training, batches: Batches, folder: Path, machine: Machine, *, quiet: bool) -> None:
    settings = module.recipe.optimisation
    folder.mkdir(parents=True, exist_ok=True)
    callbacks = _callbacks(settings, folder, machine, quiet=quiet)
    with _calm_lightning(), _stoppable(), _one_line_from_processes():
        trainer = lightning.Trainer(
            **_place(machine),
            precision=choose_precision(settings.precision, machine.device),
            max_epochs=settings.epochs,
            accumulate_grad_batches=settings.accumulate,
            callbacks=callbacks,
            logger=TensorBoardLogger(folder, name=None, version="tensorboard"),
            gradient_clip_val=settings.clip_gradient or None,
            enable_progress_bar=not quiet,
            enable_model_summary=False,
            deterministic=True,
            num_sanity_val_steps=0,
            log_every_n_steps=10,
            use_distributed_sampler=False,
        )
        last = folder / "last.ckpt"
        trainer.fit(module, *batches, ckpt_path=last if last.is_file() else None, weights_only=True)


class _Finish(Callback):
    """Writes `fitted.json` when all is over."""

    def __init__(self, path: Path, keep: str, best: ModelCheckpoint) -> None:
        self.path = path
        self.keep = keep
        self.best = best

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:  # noqa: ANN401
        """Only a fit that was not broken off gets here."""
        if not trainer.is_global_zero:
            return
        loss = self.best.best_model_score if self.keep == "best" else trainer.callback_metrics["validation_loss"]
        assert loss is not None
        write_json(self.path, {"epochs": float(trainer.current_epoch), "validation_loss": float(loss)})


def _callbacks(settings: Optimisation, folder: Path, machine: Machine, *, quiet: bool) -> list[Callback]:
    best = ModelCheckpoint(folder, "best", monitor="validation_loss", enable_version_counter=False)
    callbacks: list[Callback] = [
        EpochTable(folder / "metrics.csv"),
        SaveWithinEpoch(folder / "last.ckpt", machine.save_seconds),
        best,
        ModelCheckpoint(folder, "last", enable_version_counter=False),  # after `best`, whose state it holds
        _Finish(folder / "fitted.json", settings.keep, best),
    ]
    if settings.patience:
        callbacks.insert(0, EarlyStopping("validation_loss", patience=settings.patience))
    return callbacks if quiet else [*callbacks, RichProgressBar()]


def _place(machine: Machine) -> dict[str, Any]:
    """Where Lightning shall run."""
    is_gpu = machine.device.type == "cuda"
    place: dict[str, Any] = {"accelerator": "gpu" if is_gpu else "cpu"}
    if machine.processes == 1:
        return {**place, "devices": [machine.device.index or 0] if is_gpu else 1}
    strategy = DDPStrategy(
        start_method="popen" if is_launched() else "spawn",
        process_group_backend="nccl" if is_gpu else "gloo",
        broadcast_buffers=False,  # `Training.on_validation_start` does, once an epoch
    )
    return {**place, "devices": machine.per_node, "num_nodes": machine.nodes, "strategy": strategy}


@contextmanager
def _one_line_from_processes() -> Iterator[None]:
    """Where a process of several fails with an error for the user, say that instead of its traceback."""
    try:
        yield
    except ProcessRaisedException as error:
        told = re.findall(r"^ichnos\.\S*Error: (.+)$", str(error), re.MULTILINE)
        if not told:
            raise
        raise TrainingError(told[-1]) from error


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

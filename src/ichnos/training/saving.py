"""Saving within an epoch, and when a cluster asks to stop (SIGTERM)."""

import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from ichnos.errors import TrainingError


class SaveWithinEpoch(Callback):
    """Keeps `last.ckpt` younger than so many seconds, and saves it before a SIGTERM is obeyed.

    It is saved between optimiser steps only: gradients that are still being accumulated are not part
    of a checkpoint. The last batch of an epoch is left to the checkpoints that follow validation.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self.path = path
        self.seconds = seconds
        self.saved = time.monotonic()
        self.asked_to_stop = False

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:  # noqa: ANN401
        """Listen; Lightning puts the former handler back when it ends."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._hear)
        self.saved = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: Any,  # noqa: ANN401
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Save if it is time; raise TrainingError if asked to stop."""
        done = batch_idx + 1
        if done % trainer.accumulate_grad_batches or done == trainer.num_training_batches:
            return
        stop = trainer.strategy.reduce_boolean_decision(self.asked_to_stop, all=False)
        old = trainer.strategy.reduce_boolean_decision(time.monotonic() - self.saved >= self.seconds, all=False)
        if stop or old:
            trainer.save_checkpoint(self.path)
            self.saved = time.monotonic()
        if stop:
            raise TrainingError(
                f"stopped by SIGTERM at step {trainer.global_step}; its state is saved, and the same command goes on"
            )

    def _hear(self, _: int, __: FrameType | None) -> None:
        self.asked_to_stop = True

"""What the loop and the loader cost, beside a bare PyTorch loop that feeds itself the same batch.

Steps of both are taken in turn in one run, so that the ratio holds on a busy machine too. Ours is a
step as Lightning takes it, with slices read from a store on disk, windowed and augmented; the bare one
is forward, loss, backward and optimiser on a batch that is there already. The loader's share is the
part of our step that waits for the next batch.

Goal: at most 1.10 for the U-Net of the second paper (256 x 256, batch 16). On a GPU also slices a
second in bf16.

Run: python benchmarks/training.py [--device cuda] [--batch 16] [--size 256] [--steps 6] [--loaders 0]
"""

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import lightning
import numpy as np
import torch
from torch import nn

from ichnos.cohorts.slice_store import SliceStore
from ichnos.models.create import create_model
from ichnos.training.batches import EpochRows, SliceDataset, TrainingLoader, training_batches
from ichnos.training.losses.dice import soft_dice_loss
from ichnos.training.machine import choose_precision
from ichnos.training.objectives.registry import make_objective
from ichnos.training.recipe import TrainingRecipe
from ichnos.training.steps import Training

UNET = {"name": "unet", "arguments": {}}


def make_store(folder: Path, slices: int, size: int) -> SliceStore:
    """Noise with a square in every third slice, mapped from disk as stores are."""
    rng = np.random.default_rng(0)
    marks = np.zeros((slices, size, size), np.uint8)
    marks[::3, size // 4 : size // 2, size // 4 : size // 2] = 32
    for name, array in (("hu", rng.normal(40, 20, marks.shape).astype("<i2")), ("marks", marks)):
        np.save(folder / f"{name}.npy", array)
    labels = np.zeros((slices, 6), np.int8)
    labels[::3, 0] = 1
    return SliceStore(
        hu=np.load(folder / "hu.npy", mmap_mode="r"),
        marks=np.load(folder / "marks.npy", mmap_mode="r"),
        labels=labels,
        has_mask=np.ones(slices, bool),
        is_obvious=labels[:, 0] == 1,
        cases=np.arange(slices),
        names=tuple(map(str, range(slices))),
        patients=tuple(map(str, range(slices))),
        origin={},
    )


def make_recipe(options: argparse.Namespace) -> TrainingRecipe:
    return TrainingRecipe.model_validate(
        {
            "data": {"phantoms": 1},
            "network": UNET,
            "objective": {"name": "supervised", "sampling": "balanced"},
            "preprocessing": {"hu_windows": [{"level_hu": 50, "width_hu": 200}], "image_size": options.size},
            "optimisation": {"epochs": 1, "batch_size": options.batch, "precision": options.precision},
        }
    )


class Bare:
    """Forward, loss, backward, step: all that must be."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.device, self.half = torch.device(options.device), options.precision == "bf16"
        self.model = create_model("unet", {}).to(self.device).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=5e-4)
        self.pixels = torch.randn(options.batch, 1, options.size, options.size, device=self.device)
        self.masks = (self.pixels[:, 0] > 1).float()

    def step(self) -> None:
        """One optimiser step."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            logits = self.model(self.pixels)
        loss = soft_dice_loss(logits.float(), self.masks)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()


class Turns(lightning.Callback):
    """Takes a bare step after each of ours, and the time of both."""

    def __init__(self, bare: Bare) -> None:
        self.bare = bare
        self.ours: list[float] = []
        self.bares: list[float] = []
        self.waits: list[float] = []
        self.begun = self.got = time.perf_counter()

    def on_train_epoch_start(self, *_: object) -> None:
        """Start the clock."""
        self.begun = self._now()

    def on_train_batch_start(self, *_: object) -> None:
        """The loader has answered."""
        self.got = time.perf_counter()

    def on_train_batch_end(self, *_: object) -> None:
        """Our step is over; now the bare one."""
        ended = self._now()
        self.ours.append(ended - self.begun)
        self.waits.append(self.got - self.begun)
        self.bare.step()
        self.begun = self._now()
        self.bares.append(self.begun - ended)

    def _now(self) -> float:
        if self.bare.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def run(loader: TrainingLoader, options: argparse.Namespace) -> Turns:
    recipe = make_recipe(options)
    turns = Turns(Bare(options))
    trainer = lightning.Trainer(
        accelerator="gpu" if options.device != "cpu" else "cpu",
        devices=1,
        precision=choose_precision(recipe.optimisation.precision, turns.bare.device),
        max_epochs=1,
        callbacks=[turns],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        gradient_clip_val=1.0,
    )
    model = create_model(**UNET)
    trainer.fit(Training(model, make_objective(recipe.objective), recipe, len(loader)), loader)
    return turns


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--loaders", type=int, default=0)
    parser.add_argument("--precision", default=32, type=lambda text: int(text) if text.isdigit() else text)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        store = make_store(Path(folder), options.batch * (options.steps + 1), options.size)
        recipe = make_recipe(options)
        rows = EpochRows(make_objective(recipe.objective), store, np.arange(len(store)), 0)
        dataset = SliceDataset(store, recipe.preprocessing)
        turns = run(training_batches(dataset, rows, options.batch, options.loaders), options)
    ours, bare = np.median(turns.ours[1:]), np.median(turns.bares[1:])  # the first of each warms up
    wait = np.median(turns.waits[1:])
    print(f"U-Net, {options.size} x {options.size}, batch {options.batch}, {options.device}, {options.precision}:")
    print(f"  seconds a step: ours {ours:.3f}, bare {bare:.3f}, ratio {ours / bare:.3f} (goal: at most 1.10)")
    print(f"  waiting for the loader: {100 * wait / ours:.1f} % of our step; {options.batch / ours:.1f} slices/s")


if __name__ == "__main__":
    main()

"""Tiny runs of the loop; also a program, so that a run can be killed: python runs.py FOLDER STEP SIGNAL."""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from tiny import made_store, tiny_recipe
from torch import nn

from ichnos.training.batches import EpochRows, SliceDataset, training_batches, validation_batches
from ichnos.training.loop import fit
from ichnos.training.machine import Machine
from ichnos.training.objectives.registry import make_objective
from ichnos.training.steps import Training

CPU = torch.device("cpu")
EVERY_STEP = Machine(CPU, save_seconds=0.0)


def network(dropout=0.3):
    """Enough to learn brightness, with randomness of its own while it trains."""
    torch.manual_seed(5)
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(3 * 8 * 8), nn.Dropout(dropout), nn.Linear(3 * 8 * 8, 2))


def batches_of(recipe, loaders=0, store=None, validation_size=5):
    store = made_store() if store is None else store
    dataset = SliceDataset(store, recipe.preprocessing)
    rows = EpochRows(make_objective(recipe.objective), store, np.arange(28), recipe.seed)
    return (
        training_batches(dataset, rows, recipe.optimisation.batch_size, loaders),
        validation_batches(dataset, np.arange(28, len(store)), validation_size, loaders),
    )


def run(folder, machine=EVERY_STEP, model=None, recipe=None, **optimisation):
    """Train 7 steps an epoch, for 3 epochs."""
    recipe = recipe or tiny_recipe(optimisation={"batch_size": 4, "patience": 0, **optimisation})
    model = network() if model is None else model
    return model, fit(model, recipe, batches_of(recipe, machine.loaders), Path(folder), machine, quiet=True)


def weights(model):
    return torch.cat([value.detach().flatten().float() for value in model.state_dict().values()])


if __name__ == "__main__":
    folder, at, sent = sys.argv[1], int(sys.argv[2]), getattr(signal, sys.argv[3])
    real = Training.training_step

    def step(self, batch, number):
        if self.global_step == at:
            os.kill(os.getpid(), sent)
        return real(self, batch, number)

    Training.training_step = step
    run(folder)

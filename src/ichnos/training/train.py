"""From a recipe to a checkpoint: data, start, fit, calibrate."""

from collections.abc import Callable
from pathlib import Path

import lightning
import torch
from torch import nn

from ichnos.errors import UsageError
from ichnos.maps.methods import explain
from ichnos.models.checkpoint import Checkpoint
from ichnos.models.create import KINDS, create_model
from ichnos.models.outputs import find_bleed_output
from ichnos.training.batches import EpochRows, SliceDataset, training_batches, validation_batches
from ichnos.training.data import Slices, open_data
from ichnos.training.description import describe_training
from ichnos.training.finish import calibrate
from ichnos.training.loop import Batches, fit
from ichnos.training.machine import Machine, choose_precision, first_goes_first
from ichnos.training.objectives.objective import Objective
from ichnos.training.objectives.registry import make_objective
from ichnos.training.recipe import TrainingRecipe
from ichnos.training.start import describe_origin, describe_start, set_frozen, start_from


def train(
    recipe: TrainingRecipe,
    work: Path,
    *,
    device: torch.device,
    workers: int,
    devices: int = 1,
    tell: Callable[[str], None] | None = None,
) -> Checkpoint:
    """Train a network on phantoms or a prepared store, for whatever the recipe's objective wants.

    A classifier gets its gate chosen on validation slices and, on phantoms, its map threshold: the
    only use that training from slice labels makes of masks. A network that a pretext trained cannot
    segment; its checkpoint says which parts are worth transferring (`trained_parts`).

    Args:
        recipe: what to train.
        work: holds the slice store of phantoms and Lightning's checkpoints; a run that was interrupted
            there goes on.
        device: to train on.
        workers: processes that make phantoms and, on a GPU, read slices ahead.
        devices: processes that train together on this machine.
        tell: shows a line to the user; without it there is no progress bar either.

    Raises:
        TrainingError: the training slices do not serve the objective, or training cannot go on.
        UsageError: the network does not take the recipe's input, the data cannot be split, or the
            device lacks the precision.
    """
    machine = Machine(device, devices, loaders=workers if device.type == "cuda" else 0)
    choose_precision(recipe.optimisation.precision, device)
    objective = make_objective(recipe.objective)
    lightning.seed_everything(recipe.seed, verbose=False)
    model = create_model(recipe.network.name, recipe.network.arguments)
    _check_network(model, recipe, objective)
    moved = start_from(model, recipe.start, work / "transfer.json") if recipe.start else None
    if moved and tell:
        tell(describe_start(moved))
    with first_goes_first(device):
        training, validation = open_data(recipe, work, workers)
    objective.check(training.store, training.rows)
    objective = objective.prepare(training.store, training.rows)
    batches = _make_batches(objective, (training, validation), recipe, machine)
    if moved and recipe.optimisation.head_epochs:
        set_frozen(model, moved.moved, frozen=True)
        fit(model, take_head_recipe(recipe), batches, work / "head", machine, quiet=tell is None)
        set_frozen(model, moved.moved, frozen=bool(recipe.start and recipe.start.freeze))
    figures = fit(model, recipe, batches, work, machine, quiet=tell is None)
    origin = {"started_from": describe_origin(recipe.start)} if recipe.start else {}
    told = describe_training(recipe, objective, (training, validation), figures)
    checkpoint = Checkpoint(
        network=recipe.network.model_dump(mode="json"),
        preprocessing=recipe.preprocessing.model_dump(mode="json"),
        segmentation=recipe.segmentation.model_dump(mode="json"),
        labels=objective.outputs,
        model=model,
        training=told | origin,
    )
    return calibrate(checkpoint, recipe, batches[1], validation, device)


def _check_network(model: nn.Module, recipe: TrainingRecipe, objective: Objective) -> None:
    """Ask the network once, before an hour of phantoms, whether it takes what the recipe makes."""
    name, size, channels = recipe.network.name, recipe.preprocessing.image_size, len(recipe.preprocessing.hu_windows)
    pixels = torch.zeros(1, channels, size, size)
    model.eval()
    try:
        with torch.no_grad():
            logits = model(pixels)
        if objective.outputs and KINDS[name] == "classifier" and logits.shape[1] == len(objective.outputs):
            explain(model, pixels, recipe.segmentation.map_settings, (find_bleed_output(objective.outputs),))
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(
            f"network {name!r} does not take {channels} windows of {size} x {size} pixels: {reason:.200}"
        ) from error
    model.train()
    wanted = len(objective.outputs)
    if wanted and logits.shape[1] != wanted:
        raise UsageError(
            f"network {name!r} has {logits.shape[1]} outputs; {recipe.objective['name']} needs {wanted}: "
            f"{', '.join(objective.outputs)}"
        )


def _make_batches(
    objective: Objective, slices: tuple[Slices, Slices], recipe: TrainingRecipe, machine: Machine
) -> Batches:
    size, (training, validation) = recipe.optimisation.batch_size, slices
    rows = EpochRows(objective, training.store, training.rows, recipe.seed)
    return (
        training_batches(SliceDataset(training.store, recipe.preprocessing), rows, size, machine.loaders),
        validation_batches(
            SliceDataset(validation.store, recipe.preprocessing), validation.rows, size, machine.loaders
        ),
    )


def take_head_recipe(recipe: TrainingRecipe) -> TrainingRecipe:
    """Of the epochs that train only what was not taken over (the released code of Rasoulian et al. 2023)."""
    settings = recipe.optimisation
    own = {"epochs": settings.head_epochs, "learning_rate": settings.head_learning_rate}
    return recipe.model_copy(update={"optimisation": settings.model_copy(update=own)})

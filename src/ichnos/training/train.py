"""From a recipe to a checkpoint: phantoms, fit, calibrate."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import lightning
import numpy as np
import torch
from torch import nn

from ichnos.cohorts.phantom_slices import prepare_phantoms
from ichnos.cohorts.slice_store import SliceStore
from ichnos.cohorts.split import split_patients
from ichnos.errors import UsageError
from ichnos.maps.hgi_sam import hgi_sam
from ichnos.models.checkpoint import Checkpoint
from ichnos.models.create import create_model
from ichnos.phantoms import make_phantom
from ichnos.runtime.files import nan_to_none
from ichnos.runtime.provenance import collect_versions, find_commit
from ichnos.segmentation.segmenter import make_segmenter
from ichnos.training.batches import EpochRows, SliceDataset, training_batches, validation_batches
from ichnos.training.calibrate import LabelledScan, calibrate_gate, calibrate_threshold
from ichnos.training.loop import Batches, fit
from ichnos.training.objectives.registry import make_objective
from ichnos.training.recipe import TrainingRecipe


def train(recipe: TrainingRecipe, work: Path, *, device: torch.device, workers: int, quiet: bool = False) -> Checkpoint:
    """Train on phantoms with slice labels only; masks are used once, to choose the map threshold.

    Args:
        recipe: what to train.
        work: holds the slice store and Lightning's checkpoints; a run that was interrupted there
            goes on.
        device: to train on.
        workers: processes that make phantoms.
        quiet: no progress bar.

    Raises:
        TrainingError: the training slices are all of one kind, or training cannot go on.
        UsageError: the network does not take the recipe's input, or the data cannot be split.
    """
    objective = make_objective(recipe.objective)
    lightning.seed_everything(recipe.seed, verbose=False)
    model = create_model(recipe.network.name, recipe.network.arguments)
    _check_input(model, recipe)
    store = prepare_phantoms(recipe.data.seeds, recipe.data.settings, recipe.preprocessing, work / "store", workers)
    training, validation = split_patients(store.slice_patients, recipe.data.validation_fraction, recipe.seed)
    objective.check(store, training)
    size, dataset = recipe.optimisation.batch_size, SliceDataset(store, recipe.preprocessing)
    batches = (
        training_batches(dataset, EpochRows(objective, store, training, recipe.seed), size),
        validation_batches(dataset, validation, size),
    )
    figures = fit(model, recipe, batches, work, device=device, quiet=quiet)
    gate = calibrate_gate(*_predict(model, batches[1]), recipe.data.gate_specificity)
    checkpoint = Checkpoint(
        network=recipe.network.model_dump(mode="json"),
        preprocessing=recipe.preprocessing.model_dump(mode="json"),
        segmentation={**recipe.segmentation.model_dump(mode="json"), "probability_gate": gate},
        labels=objective.outputs,
        model=model,
        training={
            "data": f"{recipe.data.phantoms} synthetic phantoms of ichnos; no patient data",
            "data_licence": "none needed",
            "labels": "one yes/no per slice; masks only for the map threshold",
            "recipe": recipe.model_dump(mode="json"),
            "slices": {"training": len(training), "validation": len(validation)},
            "validation": figures,
            "versions": collect_versions(),
            "commit": find_commit(),
        },
    )
    return _calibrated(checkpoint, _validation_cases(store, validation, recipe), device)


def _check_input(model: nn.Module, recipe: TrainingRecipe) -> None:
    """Ask the network once, before an hour of phantoms, whether it takes what the recipe makes."""
    size, channels = recipe.preprocessing.image_size, len(recipe.preprocessing.hu_windows)
    try:
        _, logits = hgi_sam(model, torch.zeros(1, channels, size, size), recipe.segmentation.stages)
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(
            f"network {recipe.network.name!r} does not take {channels} windows of {size} x {size} pixels: {reason:.200}"
        ) from error
    if logits.shape[1] != 2:
        raise UsageError(f"network {recipe.network.name!r} has {logits.shape[1]} outputs; slice labels need 2")


def _predict(model: nn.Module, batches: Batches) -> tuple[np.ndarray, np.ndarray]:
    """P(bleed) and label of each slice."""
    parts = []
    with torch.inference_mode():
        for batch in batches:
            parts.append((torch.softmax(model(batch.pixels), dim=1)[:, 1].numpy(), batch.is_positive.numpy()))
    return np.concatenate([probabilities for probabilities, _ in parts]), np.concatenate([label for _, label in parts])


def _validation_cases(
    store: SliceStore,
    validation: Sequence[int] | np.ndarray,
    recipe: TrainingRecipe,
) -> Iterator[LabelledScan]:
    """The first validation phantoms that bleed, made again with their masks."""
    bleeding = np.unique(store.cases[validation][store.is_positive[validation]])
    for case in bleeding[: recipe.data.calibration_phantoms]:
        phantom = make_phantom(recipe.data.seeds[int(case)], recipe.data.settings)
        yield phantom.scan, phantom.bleed_mask


def _calibrated(checkpoint: Checkpoint, cases: Iterator[LabelledScan], device: torch.device) -> Checkpoint:
    threshold, dice = calibrate_threshold(make_segmenter(checkpoint, "in training", device), cases)
    checkpoint.model.cpu()
    return replace(
        checkpoint,
        segmentation={**checkpoint.segmentation, "map_threshold": threshold},
        training={
            **checkpoint.training,
            "calibration": nan_to_none(
                {
                    "map_threshold": threshold,
                    "mean_slice_dice": dice,
                    "probability_gate": checkpoint.segmentation["probability_gate"],
                }
            ),
        },
    )

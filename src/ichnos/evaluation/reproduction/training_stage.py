"""The stage that trains one network."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ichnos.evaluation.reproduction.scale import merge
from ichnos.models.checkpoint import save_checkpoint
from ichnos.runtime.device import choose_device
from ichnos.runtime.files import nan_to_none
from ichnos.training.model_card import write_card
from ichnos.training.recipe import TrainingRecipe
from ichnos.training.train import train

CHECKPOINT = "checkpoint"
"""Folder of a training stage that holds the trained network."""


def train_network(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`checkpoint`: a trained network; goes on where an interrupted run of the same settings stopped.

    Args:
        own: folder of the stage.
        needs: folders of other stages.
        settings: `recipe` (whole, as plain values) and `device`; of the stages in `needs`: `store` (stage and
            folder), and where there are such: `validation` (stage and folder), `folds` (a stage that froze
            some) with `fold`, `budget`, `start` (a stage that trained), `targets` (stage and folder).
    """
    recipe = TrainingRecipe.model_validate(merge(settings["recipe"], _connect(needs, settings)))
    checkpoint = train(recipe, own / "work", device=choose_device(settings["device"]), workers=1)
    save_checkpoint(checkpoint, own / CHECKPOINT, write_card(checkpoint, own.name, {}))
    shutil.rmtree(own / "work")
    figures = checkpoint.training.get("validation", {})
    return {
        "parameters": sum(parameter.numel() for parameter in checkpoint.model.parameters()),
        **nan_to_none({name: value for name, value in figures.items() if isinstance(value, float)}),
    }


def _connect(needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """What of the recipe depends on where other stages lie."""
    data: dict[str, Any] = {"store": str(_find(needs, settings["store"]))}
    if "validation" in settings:
        data["validation_store"] = str(_find(needs, settings["validation"]))
    if "folds" in settings:
        data |= {"folds": str(needs[settings["folds"]] / "folds.json"), "fold": settings["fold"]}
    if "budget" in settings:
        data["budget"] = settings["budget"]
    connected: dict[str, Any] = {"data": data}
    if "start" in settings:
        connected["start"] = {"checkpoint": str(needs[settings["start"]] / CHECKPOINT)}
    if "targets" in settings:
        connected["objective"] = {"targets": str(_find(needs, settings["targets"]))}
    return connected


def _find(needs: Mapping[str, Path], place: Sequence[str]) -> Path:
    stage, folder = place
    return needs[stage] / folder

"""`ichnos train`: a recipe in, a checkpoint folder out."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from ichnos.cli.console import say
from ichnos.errors import UsageError
from ichnos.evaluation.phantom_score import score_phantoms, summarise
from ichnos.models.checkpoint import Checkpoint, save_checkpoint
from ichnos.models.outputs import finds_bleed
from ichnos.phantoms import make_phantom
from ichnos.runtime.device import choose_device
from ichnos.runtime.files import nan_to_none, write_json
from ichnos.runtime.provenance import collect_versions, find_commit, timestamp
from ichnos.segmentation.segmenter import make_segmenter
from ichnos.training.machine import first_goes_first, is_first
from ichnos.training.model_card import write_card
from ichnos.training.recipe import TrainingRecipe
from ichnos.training.train import train


@dataclass(frozen=True)
class TrainOptions:
    """How a run is made.

    Attributes:
        device: auto, cpu or cuda:N.
        workers: processes that prepare data.
        devices: processes that train together on this machine.
        overwrite: replace what OUTPUT holds.
        quiet: only errors.
    """

    device: str = "auto"
    workers: int = 2
    devices: int = 1
    overwrite: bool = False
    quiet: bool = False


def run_train(recipe: TrainingRecipe, output: Path, options: TrainOptions) -> Checkpoint:
    """Train, measure on fresh phantoms where the data are phantoms, and write OUTPUT as a checkpoint folder.

    OUTPUT/work holds prepared slices and what an interrupted run needs; it may be deleted afterwards.
    Of processes that torchrun started, the first writes.
    """
    started, began = timestamp(), time.perf_counter()
    device, quiet = choose_device(options.device), options.quiet or not is_first()
    with first_goes_first(device):
        if is_first():
            _claim(output, recipe, overwrite=options.overwrite)
    tell = None if quiet else say
    work, workers = output / "work", options.workers
    checkpoint = train(recipe, work, device=device, workers=workers, devices=options.devices, tell=tell)
    if not is_first():
        return checkpoint
    test = _test(checkpoint, recipe, output.resolve().name, device)
    checkpoint.training["test"] = nan_to_none(test)
    save_checkpoint(checkpoint, output, write_card(checkpoint, output.resolve().name, test))
    run = {
        "command": "train",
        "started": started,
        "seconds": round(time.perf_counter() - began, 2),
        "versions": collect_versions(),
        "commit": find_commit(),
        "recipe": recipe.model_dump(mode="json"),
        "test": nan_to_none(test),
    }
    write_json(output / "run.json", run)
    say(_conclude(checkpoint, output, test), quiet=quiet)
    return checkpoint


def _test(checkpoint: Checkpoint, recipe: TrainingRecipe, name: str, device: torch.device) -> dict[str, float]:
    """Figures on fresh phantoms, of a network that can segment and was trained on phantoms."""
    if not finds_bleed(checkpoint.labels) or not recipe.data.test_seeds:
        return {}
    segmenter = make_segmenter(checkpoint, name, device)
    fresh = (make_phantom(seed, recipe.data.test_settings) for seed in recipe.data.test_seeds)
    return summarise(score_phantoms(segmenter, fresh))


def _conclude(checkpoint: Checkpoint, output: Path, test: dict[str, float]) -> str:
    if checkpoint.labels and not finds_bleed(checkpoint.labels):
        return f"Wrote a network that finds {', '.join(checkpoint.labels)} to {output}"
    if not checkpoint.labels:
        return (
            f"Wrote a pretrained network to {output}; it cannot segment yet. Next: ichnos train RECIPE -o MODEL "
            f"--set start.checkpoint={output}"
        )
    figures = (
        f" (slice ROC-AUC {test['slice_roc_auc']:.3f}, mean Dice {test['mean_dice']:.2f} on test phantoms)"
        if test
        else ""
    )
    return f"Wrote a checkpoint to {output}{figures}; next: ichnos segment -m {output} -i SCAN -o RESULTS"


def _claim(output: Path, recipe: TrainingRecipe, *, overwrite: bool) -> None:
    """Make OUTPUT this recipe's own; refuse to mix it with another run's.

    A run that was refused before it trained leaves nothing to mix with, so that a corrected command may follow.
    """
    work = output / "work"
    marker = work / "recipe.json"
    if overwrite and work.exists():
        shutil.rmtree(work)
    elif (output / "ichnos.json").exists() and not overwrite:
        raise UsageError(f"{output} holds a finished checkpoint; give --overwrite to replace it, or another -o")
    elif any(work.rglob("*.ckpt")) and _read_marker(marker) != recipe:
        raise UsageError(f"{output} holds an unfinished run of another recipe; give --overwrite, or another -o")
    write_json(marker, recipe.model_dump(mode="json"))


def _read_marker(marker: Path) -> TrainingRecipe | None:
    """The recipe of the run that is there; settings that ichnos has got since then are at their defaults.

    None where nothing readable says it.
    """
    try:
        return TrainingRecipe.model_validate_json(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None

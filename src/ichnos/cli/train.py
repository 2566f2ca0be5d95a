"""`ichnos train`: a recipe in, a checkpoint folder out."""

import json
import shutil
import time
from pathlib import Path

from ichnos.cli.console import say
from ichnos.errors import UsageError
from ichnos.evaluation.phantom_score import score_phantoms, summarise
from ichnos.models.checkpoint import Checkpoint, save_checkpoint
from ichnos.phantoms import make_phantom
from ichnos.runtime.device import choose_device
from ichnos.runtime.files import nan_to_none, write_json
from ichnos.runtime.provenance import collect_versions, find_commit, timestamp
from ichnos.segmentation.segmenter import make_segmenter
from ichnos.training.model_card import write_card
from ichnos.training.recipe import TrainingRecipe
from ichnos.training.train import train


def run_train(
    recipe: TrainingRecipe, output: Path, *, device: str, workers: int, overwrite: bool, quiet: bool
) -> Checkpoint:
    """Train, measure on fresh phantoms, and write OUTPUT as a checkpoint folder with its card.

    OUTPUT/work holds prepared slices and what an interrupted run needs; it may be deleted afterwards.
    """
    started, began = timestamp(), time.perf_counter()
    work = output / "work"
    _claim(output, recipe, overwrite=overwrite)
    chosen = choose_device(device)
    checkpoint = train(recipe, work, device=chosen, workers=workers, quiet=quiet)
    segmenter = make_segmenter(checkpoint, output.resolve().name, chosen)
    fresh = (make_phantom(seed, recipe.data.test_settings) for seed in recipe.data.test_seeds)
    test = summarise(score_phantoms(segmenter, fresh))
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
    say(
        f"Wrote a checkpoint to {output} (slice ROC-AUC {test['slice_roc_auc']:.3f}, mean Dice {test['mean_dice']:.2f} "
        f"on test phantoms); next: ichnos segment -m {output} -i SCAN -o RESULTS",
        quiet=quiet,
    )
    return checkpoint


def _claim(output: Path, recipe: TrainingRecipe, *, overwrite: bool) -> None:
    """Make OUTPUT this recipe's own; refuse to mix it with another run's."""
    marker = output / "work" / "recipe.json"
    settings = recipe.model_dump(mode="json")
    if overwrite and (output / "work").exists():
        shutil.rmtree(output / "work")
    elif (output / "ichnos.json").exists() and not overwrite:
        raise UsageError(f"{output} holds a finished checkpoint; give --overwrite to replace it, or another -o")
    elif marker.is_file() and json.loads(marker.read_text(encoding="utf-8")) != settings:
        raise UsageError(f"{output} holds an unfinished run of another recipe; give --overwrite, or another -o")
    write_json(marker, settings)

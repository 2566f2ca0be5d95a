"""Put a trained segmentation network into the package, to see a finer grid than the one that it was trained on.

    python tools/bundle_model.py weights-work/phantom-unet src/ichnos/weights/phantom-unet --image-size 208 --fov-mm 206

writes weights, settings and a card whose figures are measured anew, on the recipe's test phantoms and on that grid.
`training.recipe` in `ichnos.json` keeps the grid of the training.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from ichnos.errors import IchnosError
from ichnos.evaluation.phantom_score import score_phantoms, summarise
from ichnos.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ichnos.phantoms import make_phantom
from ichnos.runtime.files import nan_to_none
from ichnos.segmentation.segmenter import make_segmenter
from ichnos.training.model_card import write_card
from ichnos.training.recipe import TrainingRecipe


def main(arguments: list[str]) -> int:
    """Bundle; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--image-size", type=int, required=True)
    parser.add_argument("--fov-mm", type=float, required=True)
    asked = parser.parse_args(arguments)
    try:
        bundle(asked.checkpoint, asked.target, asked.image_size, asked.fov_mm)
    except IchnosError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def bundle(folder: Path, target: Path, image_size: int, fov_mm: float) -> None:
    """Write the checkpoint of a folder into another, on another grid."""
    trained = load_checkpoint(folder)
    grid = {"image_size": image_size, "field_of_view_mm": fov_mm}
    bundled = replace(trained, preprocessing={**trained.preprocessing, **grid})
    test = measure(bundled, target.name)
    told = replace(bundled, training={**trained.training, "test": nan_to_none(test)})
    save_checkpoint(told, target, write_card(told, target.name, test))


def measure(checkpoint: Checkpoint, name: str) -> Mapping[str, float]:
    """Figures for the card, on phantoms that nothing was trained or chosen on."""
    data = TrainingRecipe.model_validate(checkpoint.training["recipe"]).data
    segmenter = make_segmenter(checkpoint, name, torch.device("cpu"))
    return summarise(score_phantoms(segmenter, (make_phantom(seed, data.test_settings) for seed in data.test_seeds)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

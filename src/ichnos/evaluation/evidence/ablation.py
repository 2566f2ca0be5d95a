"""Which randomisation mattered: the same small network trained on worlds that lack a group of features.

All are judged on the grown family, whose generator has none of these features, and on a real scan where
there is one. So a world is worth what it teaches about heads that come from somewhere else.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ichnos.evaluation.evidence.comparison import plan_comparison, read_compared, tell_comparison, tell_seeds
from ichnos.evaluation.evidence.worlds import list_worlds
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.reproduction.plan import Stage
from ichnos.evaluation.reproduction.scale import merge
from ichnos.evaluation.reproduction.training_stage import CHECKPOINT
from ichnos.models.checkpoint import save_checkpoint
from ichnos.runtime.device import choose_device
from ichnos.training.model_card import write_card
from ichnos.training.recipe import TrainingRecipe, load_recipe
from ichnos.training.train import train

RECIPE = "phantom-ablation"

SMALL_NOTE = "each row is its own training of the same recipe on as many phantoms; networks are small, and soon trained"


def plan_ablation(recipe: Mapping[str, Any], seeds: Sequence[int], scans: int, real: str | None) -> list[Stage]:
    """Stages that train and judge.

    Args:
        recipe: as plain values.
        seeds: of training; a seed also draws other phantoms.
        scans: judged, all of the grown family.
        real: a scan or a folder of scans without blood.
    """
    models: dict[str, dict[str, str]] = {}
    stages = []
    for seed in seeds:
        for world, odds in list_worlds().items():
            name = f"train-{world.replace(' ', '-')}-{seed}"
            stages.append(Stage(name, train_on_world, {"recipe": place(recipe, odds, seed)}, seconds=200.0))
            models[f"{world}/{seed}"] = {"stage": name}
    stages += plan_comparison("worlds", models, tuple(stage.name for stage in stages), scans, real)
    needs = ("judge-worlds", *(("real-worlds",) if real else ()))
    stages.append(Stage("worlds", tell_worlds, {"seeds": list(seeds)}, needs))
    return stages


def read_ablation_recipe() -> dict[str, Any]:
    """The recipe of the package as plain values."""
    return load_recipe(RECIPE).model_dump(mode="json")


def place(recipe: Mapping[str, Any], odds: Mapping[str, float], seed: int) -> dict[str, Any]:
    """The recipe in a world: its phantoms have features at these odds, and are others for each seed."""
    first = recipe["data"]["first_seed"] + 10_000 * seed
    return merge(recipe, {"seed": seed, "data": {"first_seed": first, "settings": {"features": odds}}})


def train_on_world(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`checkpoint`: a network trained on phantoms of a world; `settings` has the whole `recipe`."""
    recipe = TrainingRecipe.model_validate(settings["recipe"])
    checkpoint = train(recipe, own / "work", device=choose_device("cpu"), workers=1)
    save_checkpoint(checkpoint, own / CHECKPOINT, write_card(checkpoint, own.name, {}))
    shutil.rmtree(own / "work")
    return {"phantoms": len(recipe.data.seeds)}


def tell_worlds(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`parts.json`: a row for each world, means over seeds."""
    rows = {world: [f"{world}/{seed}" for seed in settings["seeds"]] for world in list_worlds()}
    notes = (tell_seeds(len(settings["seeds"])), SMALL_NOTE)
    compared = read_compared(needs, ["worlds"])
    table, figures = tell_comparison("Which features of the phantoms matter", "trained on", rows, compared, notes)
    write_parts([Part("What each group of features is worth", (), (table,))], own)
    return {"worlds": figures}

"""Which randomisation mattered: the same small network trained on worlds that lack a group of features.

All are judged on the grown family, whose generator has none of these features, and on a real scan where
there is one. So a world is worth what it teaches about heads that come from somewhere else.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ichnos.evaluation.evidence.families import FAMILIES, FIRST_SEED
from ichnos.evaluation.evidence.findings import summarise_judged
from ichnos.evaluation.evidence.judged import JudgedScan, judge_family, read_judged
from ichnos.evaluation.evidence.real_scans import look_at_scans, read_findings
from ichnos.evaluation.evidence.worlds import list_worlds
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.reproduction.plan import Stage
from ichnos.evaluation.reproduction.scale import merge
from ichnos.evaluation.reproduction.training_stage import CHECKPOINT
from ichnos.evaluation.tables import Table, with_spread
from ichnos.models.checkpoint import save_checkpoint
from ichnos.runtime.device import choose_device
from ichnos.training.model_card import write_card
from ichnos.training.recipe import TrainingRecipe, load_recipe
from ichnos.training.train import train

RECIPE = "phantom-ablation"


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
            first = recipe["data"]["first_seed"] + 10_000 * seed
            changes = {"seed": seed, "data": {"first_seed": first, "settings": {"features": odds}}}
            stages.append(Stage(name, train_on_world, {"recipe": merge(recipe, changes)}, seconds=200.0))
            models[f"{world}/{seed}"] = {"stage": name}
    trained = tuple(stage.name for stage in stages)
    shared = {"models": models, "device": "cpu"}
    judging = {"family": "grown", "first_seed": FIRST_SEED, "count": scans, "slices": 16, "size": 160, **shared}
    stages.append(
        Stage("judge-worlds", judge_family, judging, trained, seconds=4.0 * scans + 0.5 * len(models) * scans)
    )
    if real:
        stages.append(Stage("real-worlds", look_at_scans, {"folder": real, **shared}, trained, seconds=30.0))
    needs = ("judge-worlds", *(("real-worlds",) if real else ()))
    stages.append(Stage("worlds", tell_worlds, {"real": bool(real), "seeds": list(seeds)}, needs))
    return stages


def read_ablation_recipe() -> dict[str, Any]:
    """The recipe of the package as plain values."""
    return load_recipe(RECIPE).model_dump(mode="json")


def train_on_world(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`checkpoint`: a network trained on phantoms of a world; `settings` has the whole `recipe`."""
    recipe = TrainingRecipe.model_validate(settings["recipe"])
    checkpoint = train(recipe, own / "work", device=choose_device("cpu"), workers=1)
    save_checkpoint(checkpoint, own / CHECKPOINT, write_card(checkpoint, own.name, {}))
    shutil.rmtree(own / "work")
    return {"phantoms": len(recipe.data.seeds)}


def tell_worlds(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`parts.json`: a row for each world, means over seeds."""
    judged = read_judged(needs["judge-worlds"])
    real = read_findings(needs["real-worlds"]) if settings["real"] else []
    rows, figures = [], {}
    for world in list_worlds():
        titles = [f"{world}/{seed}" for seed in settings["seeds"]]
        measured = np.array([_measure(judged[title]) for title in titles])
        on_real = [sum(one.volume_ml for one in real if one.model == title) for title in titles]
        cells = [_spread(column, digits) for column, digits in zip(measured.T, (2, 3, 1), strict=True)]
        rows.append((world, *cells, *([_spread(np.array(on_real), 1)] if real else [])))
        figures[world] = measured.tolist()
    first = next(iter(judged.values()))
    columns = ["trained on", "Dice, bleeding slices", "slice ROC-AUC", "invented, mL"]
    columns += ["real scan without blood, mL"] if real else []
    notes = (
        f"judged on {len(first)} scans: {FAMILIES['grown'].title}; in the "
        f"{sum(scan.score.label_ml == 0 for scan in first)} of them without blood mL are invented",
        _tell_seeds(len(settings["seeds"])),
        "each row is its own training of the same recipe on as many phantoms; the networks are small and trained for "
        "minutes",
    )
    table = Table("Which features of the phantoms matter", tuple(columns), tuple(rows), notes)
    write_parts([Part("What each group of features is worth", (), (table,))], own)
    return {"worlds": figures}


def _tell_seeds(count: int) -> str:
    if count == 1:
        return "one training seed: another may reorder the rows, so none is shown to be better than another"
    return f"{count} training seeds: mean, and standard deviation between seeds"


def _measure(scans: Sequence[JudgedScan]) -> tuple[float, float, float]:
    by_slice, by_scan = summarise_judged(scans)
    auc = next(one.roc_auc for one in by_scan.detections if one.unit == "slice")
    return by_slice.find("dice", "bleeding").summary.mean, auc, by_scan.volumes["mean_invented_ml"]


def _spread(values: np.ndarray, digits: int) -> str:
    mean = float(values.mean())
    return with_spread(mean, float(values.std(ddof=1)), digits) if len(values) > 1 else f"{mean:.{digits}f}"

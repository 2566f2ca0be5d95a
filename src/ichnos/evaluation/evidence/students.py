"""What a U-Net learns without any mask: a student of the maps of a classifier that was trained on slice labels.

The student is the network of the ablation on the ablation's phantoms of all features. It differs in what it
is told: not the exact masks, but where the bundled classifier's HGI-SAM maps see blood in slices whose label
says that there is some (`training.pseudo_targets`). So its row stands beside that of the exact masks.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ichnos.cohorts.phantom_slices import prepare_phantoms
from ichnos.evaluation.evidence.ablation import place
from ichnos.evaluation.evidence.comparison import plan_comparison, read_compared, tell_comparison, tell_seeds
from ichnos.evaluation.evidence.worlds import list_worlds
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.reproduction.plan import Stage
from ichnos.evaluation.reproduction.scale import merge
from ichnos.evaluation.reproduction.training_stage import CHECKPOINT
from ichnos.models.checkpoint import save_checkpoint
from ichnos.preprocessing.augmentation import Augmentation
from ichnos.runtime.device import choose_device
from ichnos.segmentation.segmenter import load_segmenter
from ichnos.training.model_card import write_card
from ichnos.training.pseudo_targets import write_pseudo_targets
from ichnos.training.recipe import TrainingRecipe
from ichnos.training.train import train

WORLD = "all features"
_NO_VIEW = Augmentation(flip=0, rotation_degrees=0, scale=0, shift=0, noise=0).model_dump(mode="json")


def plan_students(
    recipe: Mapping[str, Any], teacher: Mapping[str, str], seeds: Sequence[int], scans: int, real: str | None
) -> list[Stage]:
    """Stages after those of `plan_ablation`, of the same recipe, seeds, scans and real scan.

    Args:
        recipe: of the ablation, as plain values.
        teacher: `model`, a bundled classifier or a checkpoint folder, and `sha256`; another one under an old name
            teaches anew.
        seeds: of training.
        scans: judged, all of the grown family.
        real: a scan or a folder of scans without blood.
    """
    models: dict[str, Mapping[str, str]] = {"teacher": teacher}
    stages = []
    for seed in seeds:
        taught = teach(place(recipe, list_worlds()[WORLD], seed))
        name = f"train-student-{seed}"
        stages.append(Stage(name, train_student, {"recipe": taught, "teacher": teacher}, seconds=260.0))
        models[f"student/{seed}"] = {"stage": name}
    stages += plan_comparison("students", models, tuple(stage.name for stage in stages), scans, real)
    compared = ("worlds", "students")
    needs = tuple(f"judge-{name}" for name in compared) + tuple(f"real-{name}" for name in compared if real)
    stages.append(Stage("students", tell_students, {"seeds": list(seeds), "teacher": teacher["model"]}, needs))
    return stages


def teach(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The same recipe for a student: maps instead of masks, seen in the same views."""
    objective = {
        "name": "pseudo-labels",
        "targets": "targets",
        "uses_masks": False,
        "empty_weight": recipe["objective"]["empty_weight"],
        "view": recipe["augmentation"],
    }
    return {**recipe, "objective": objective, "augmentation": _NO_VIEW}


def train_student(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`checkpoint`: a student; `settings` has the `recipe` and the `teacher`."""
    work = own / "work"
    told = merge(settings["recipe"], {"objective": {"targets": str(work / "targets")}})
    recipe = TrainingRecipe.model_validate(told)
    store = prepare_phantoms(recipe.data.seeds, recipe.data.settings, recipe.preprocessing, work / "store", 1)
    targets = write_pseudo_targets(load_segmenter(settings["teacher"]["model"], "cpu"), store, work / "targets")
    seen = int((store.is_positive & targets.is_usable).sum())
    checkpoint = train(recipe, work, device=choose_device("cpu"), workers=1)
    save_checkpoint(checkpoint, own / CHECKPOINT, write_card(checkpoint, own.name, {}))
    shutil.rmtree(work)
    return {"bleeding_slices": int(store.is_positive.sum()), "seen_by_the_teacher": seen}


def tell_students(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`parts.json`: the teacher, its students, and networks that were told exact masks."""
    seeds, teacher = settings["seeds"], settings["teacher"]
    rows = {
        "exact masks": [f"{WORLD}/{seed}" for seed in seeds],
        f"maps of {teacher}": [f"student/{seed}" for seed in seeds],
        f"({teacher} itself)": ["teacher"],
    }
    notes = (
        tell_seeds(len(seeds)),
        f"exact masks: the row '{WORLD}' above; the student is the same network on the same phantoms, told no mask",
    )
    compared = read_compared(needs, ["worlds", "students"])
    table, figures = tell_comparison("Masks, or maps from slice labels", "learnt from", rows, compared, notes)
    write_parts([Part("What exact masks are worth", (), (table,))], own)
    return {"students": figures}

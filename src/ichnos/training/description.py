"""How a checkpoint was made, as its `ichnos.json` tells."""

from typing import Any

from ichnos.runtime.provenance import collect_versions, find_commit
from ichnos.training.data import describe_data
from ichnos.training.objectives.objective import Objective
from ichnos.training.recipe import TrainingRecipe

LABELS = {
    "slice-labels": "one yes/no per slice; masks only for the map threshold",
    "focal-labels": "labels per slice; masks only for the map threshold",
    "supervised": "masks",
    "pseudo-labels": "maps of a classifier that saw labels per slice; masks of the budget, if any",
}
"""What an objective learns from that makes a network segment."""


def describe_training(
    recipe: TrainingRecipe, objective: Objective, counts: tuple[int, int], figures: dict[str, float]
) -> dict[str, Any]:
    """What a checkpoint says of how it was made.

    Args:
        recipe: trained by.
        objective: made by it, prepared.
        counts: slices to train on and to validate on.
        figures: of validation.
    """
    is_made = recipe.data.store is None
    described: dict[str, Any] = {
        "data": describe_data(recipe.data),
        "data_licence": "none needed" if is_made else "that of the store's collection",
        "objective": recipe.objective["name"],
        "labels": LABELS.get(recipe.objective["name"], "those of the pretext task"),
        "recipe": recipe.model_dump(mode="json"),
        "slices": {"training": counts[0], "validation": counts[1]},
        "validation": figures,
        "versions": collect_versions(),
        "commit": find_commit(),
    }
    return described if objective.outputs else {**described, "trained_parts": list(objective.parts)}

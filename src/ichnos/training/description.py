"""How a checkpoint was made, as its `ichnos.json` tells."""

from collections.abc import Mapping
from typing import Any

from ichnos.models.create import KINDS
from ichnos.runtime.provenance import collect_versions, find_commit
from ichnos.training.data import Slices, describe_data
from ichnos.training.objectives.objective import Objective
from ichnos.training.recipe import TrainingRecipe

LABELS = {
    "slice-labels": "one yes/no per slice",
    "focal-labels": "labels per slice",
    "supervised": "masks",
    "subtype-masks": "masks",
    "cavity": "masks of the intracranial cavity",
    "pseudo-labels": "maps of a classifier that saw labels per slice",
    "context-restoration": "none",
    "global-contrastive": "none",
    "local-contrastive": "none",
    "binary-pretext": "one yes/no per slice",
    "multi-label-ce": "subtypes per slice",
    "multi-label-dice": "subtypes per slice",
}
"""What objectives learn from, beside masks."""


def describe_training(
    recipe: TrainingRecipe, objective: Objective, slices: tuple[Slices, Slices], figures: dict[str, float]
) -> dict[str, Any]:
    """What a checkpoint says of how it was made.

    Args:
        recipe: trained by.
        objective: made by it, prepared.
        slices: to train on and to validate on.
        figures: of validation.
    """
    is_made = recipe.data.store is None
    training, validation = slices
    masks = _count_masks(recipe, objective, slices)
    described: dict[str, Any] = {
        "data": describe_data(recipe.data),
        "data_licence": "none needed" if is_made else "that of the store's collection",
        "objective": recipe.objective["name"],
        "labels": _tell_labels(recipe.objective, masks),
        "masks": masks,
        "recipe": recipe.model_dump(mode="json"),
        "slices": {"training": len(training), "validation": len(validation)},
        "validation": figures,
        "versions": collect_versions(),
        "commit": find_commit(),
    }
    return described if objective.outputs else {**described, "trained_parts": list(objective.parts)}


def _count_masks(recipe: TrainingRecipe, objective: Objective, slices: tuple[Slices, Slices]) -> dict[str, int]:
    """Scans that bleed whose masks were learned from, chose the epoch, or chose the map threshold."""
    training, validation = (one.masked_scans for one in slices)
    chooses_threshold = recipe.data.store is None and KINDS[recipe.network.name] == "classifier"
    return {
        "training": training if objective.learns_masks else 0,
        "validation": validation if objective.learns_masks else 0,
        "threshold": min(validation, recipe.data.calibration_phantoms)
        if objective.outputs and chooses_threshold
        else 0,
    }


def _tell_labels(objective: Mapping[str, Any], masks: Mapping[str, int]) -> str:
    parts = [LABELS[objective["name"]]]
    if parts == ["none"] and objective.get("sampling") == "equal":
        parts = ["none, but slices were drawn by one yes/no each"]
    if objective["name"] != "cavity" and (masks["training"] or masks["validation"]):
        parts.append(
            f"masks of {masks['training']} scans that bleed to train on and {masks['validation']} to validate on"
        )
    if masks["threshold"]:
        parts.append(f"masks of {masks['threshold']} scans for the map threshold")
    return "; ".join(parts[1:] if parts[0] == "masks" else parts)

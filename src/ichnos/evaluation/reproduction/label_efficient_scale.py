"""Sizes of the second paper's experiment; why the small one is as it is stands in `small_world`."""

from collections.abc import Mapping
from typing import Any

from ichnos.evaluation.reproduction.scale import (
    VALIDATION_FRACTION,
    LabelEfficientScale,
    Phantoms,
    RecipeChoice,
    merge,
)
from ichnos.evaluation.reproduction.small_world import SMALL_GRID, SMALL_WORLD, WHOLE_WORLD
from ichnos.phantoms import SUBTYPES
from ichnos.runtime.names import choose_by_name

_THICK_SUBTYPES = ("epidural", "intraparenchymal", "intraventricular")
"""Those whose blood is thicker than a pixel of the small grid, 3.4 mm."""

PRETEXTS = {
    "multi-label-dice": "Multi-label classification (DL)",
    "multi-label-ce": "Multi-label classification (CE)",
    "binary-pretext": "Binary classification",
    "local-contrastive": "Local contrastive",
    "global-contrastive": "Global contrastive",
    "context-restoration": "Context restoration",
}
"""Pretexts by the name of their objective, as the second paper's table 3 calls them, in its order."""

_WIDTH = 8
_SMALL_CLASSIFIER = {
    "network": {"arguments": {"width": _WIDTH}},
    "preprocessing": SMALL_GRID,
    "data": {"validation_fraction": VALIDATION_FRACTION},
}
_SMALL_UNET = {
    "network": {"arguments": {"width": _WIDTH}},
    "preprocessing": SMALL_GRID,
    "data": {"validation_fraction": VALIDATION_FRACTION},
    "optimisation": {"epochs": 5, "batch_size": 4, "keep": "last"},
}


_PRETEXT_EPOCHS = {
    "multi-label-dice": 8,
    "multi-label-ce": 8,
    "binary-pretext": 8,
    "local-contrastive": 3,
    "global-contrastive": 5,
    "context-restoration": 4,
}
"""Fewer where an epoch sees more: contrastive ones look at each slice twice, context restoration decodes it."""


def _of_pretexts(prefix: str, changes: Mapping[str, Any], epochs: Mapping[str, int]) -> dict[str, RecipeChoice]:
    return {
        name: RecipeChoice(
            f"{prefix}-{name}", merge(changes, {"optimisation": {"epochs": epochs[name]}} if epochs else {})
        )
        for name in PRETEXTS
    }


LABEL_EFFICIENT_SCALES = {
    "phantom": LabelEfficientScale(
        name="phantom",
        weak_phantoms=Phantoms(120, 400_000, {**SMALL_WORLD, "subtypes": list(SUBTYPES), "bleed_probability": 0.75}),
        test_phantoms=Phantoms(
            64, 500_000, {**SMALL_WORLD, "subtypes": list(_THICK_SUBTYPES), "bleed_probability": 0.75}
        ),
        pretexts=_of_pretexts("phantom", _SMALL_CLASSIFIER, _PRETEXT_EPOCHS),
        ich_only=RecipeChoice("phantom-unet", merge(_SMALL_UNET, {"objective": {"sampling": "ich-only"}})),
        mixed=RecipeChoice("phantom-unet", _SMALL_UNET),
        fine_tune=RecipeChoice("phantom-unet-fine-tune", _SMALL_UNET),
        folds=3,
        budgets=(2, 5, 20),
        budget_fits={
            2: {"epochs": 40, "batch_size": 2},
            5: {"epochs": 16, "batch_size": 2},
            20: {"epochs": 8, "batch_size": 4},
        },
        seeds=(0, 1, 2),
        parts={"pool": 8, "validation": 1, "test": 7},
        grid="native",
        smaller=(
            "120 weakly labelled phantoms of 12 slices instead of 215,866 slices of RSNA 2019",
            "64 phantoms of 12 slices of 128 x 128 pixels instead of 75 and 51 scans; 3 folds instead of 10 and 5",
            "an easy world: no look-alikes, a quiet scanner; the pretexts see all five subtypes, the scans with masks "
            "only epidural, intraparenchymal and intraventricular ones",
            "inputs of 64 x 64 pixels instead of 256; a U-Net of 8 to 128 channels (0.34 million weights) instead of "
            "32 to 512",
            "pretexts of 3 to 8 epochs instead of 50; fine-tuning of 5 epochs in batches of 4 instead of 100 in "
            "batches of 16, and of about 360 steps at every budget of the curve; a learning rate that rises and "
            "falls once",
            "the intracranial mask is the classical one of ichnos, without weights, instead of two U-Nets",
        ),
    ),
    "paper": LabelEfficientScale(
        name="paper",
        weak_phantoms=Phantoms(8_000, 400_000, WHOLE_WORLD),
        test_phantoms=Phantoms(75, 500_000, WHOLE_WORLD),
        pretexts=_of_pretexts("paper", {}, {}),
        ich_only=RecipeChoice("paper-unet-ich-only"),
        mixed=RecipeChoice("paper-unet-mixed"),
        fine_tune=RecipeChoice("paper-unet-fine-tune"),
        folds=10,
        budgets=(2, 5, 20),
        budget_fits={2: {"epochs": 1000}, 5: {"epochs": 400}, 20: {"epochs": 100}},
        seeds=(0, 1, 2),
        parts={"pool": 4, "validation": 1, "test": 3},
        grid="256",
    ),
}


def choose_label_efficient_scale(name: str) -> LabelEfficientScale:
    """The size of that name; `UsageError` with the nearest name if there is none."""
    return choose_by_name(LABEL_EFFICIENT_SCALES, name, "scale")

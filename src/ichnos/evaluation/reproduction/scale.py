"""How large an experiment is: where its scans come from, which recipes train, how often.

`paper` is what the papers say, as the recipes of the package hold it. `phantom` is made so that each of the two
experiments ends within half an hour on two idle cores. What it changes, and why:

- slices of 64 x 64 pixels, networks of 0.3 to 0.6 million weights, a dozen epochs: a step takes a tenth of a second;
- a world without look-alikes, seen by a quiet scanner. For the first paper it has two subtypes, within the brain and
  its ventricles: a Swin trained from scratch on some hundred phantoms tells them from healthy brain (ROC-AUC above
  0.9); with all five it needs several times as many. For the second, scans with masks have the three subtypes
  that are thicker than a pixel;
- a learning rate that rises and falls once (one cycle) instead of a small constant one, since nothing is pretrained;
- 3 folds instead of 5 or 10.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ichnos.errors import UsageError
from ichnos.metrics.choice import choose_by_name
from ichnos.phantoms import SUBTYPES
from ichnos.training.recipe import TrainingRecipe, load_recipe

VALIDATION_FRACTION = 0.1
"""Of the patients of what is trained on (Rasoulian et al. 2023, 3.1: of the slices; here no patient is in both)."""


@dataclass(frozen=True)
class Phantoms:
    """Phantoms that are made for the experiment.

    Attributes:
        count: how many.
        first_seed: seeds count up from here.
        settings: of `PhantomSettings`, by name.
    """

    count: int
    first_seed: int
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Collection:
    """A public collection on disk.

    Attributes:
        reader: name in `cohorts.readers.registry.READERS`.
        root: its folder.
    """

    reader: str
    root: Path


Source = Phantoms | Collection


@dataclass(frozen=True)
class RecipeChoice:
    """A recipe of the package with changes.

    Attributes:
        name: of the recipe.
        changes: nested like the recipe; what is not a table replaces what was there.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    def content(self, seed: int) -> dict[str, Any]:
        """The whole recipe as plain values, its data still to be set to a store.

        Raises:
            UsageError: no such recipe.
        """
        plain = merge(load_recipe(self.name).model_dump(mode="json"), self.changes)
        data = {"store": "store", "validation_fraction": plain["data"]["validation_fraction"]}
        return TrainingRecipe.model_validate({**plain, "seed": seed, "data": data}).model_dump(mode="json")


@dataclass(frozen=True)
class HgiSamScale:
    """Size of the first paper's experiment.

    Attributes:
        name: of the scale.
        weak_phantoms: in the role of RSNA, if there is no collection.
        test_phantoms: in the role of PhysioNet ct-ich.
        recipes: `sam-multi`, `sam-binary`, `hgi-sam`, `unet`, `swin-unetr`.
        folds: of the test cohort.
        seeds: of training; tables show the first, the last table all.
        repeated: names of recipes that are trained with every seed; the others with the first only.
        grid: on which pixels are counted: `native`, or a side in pixels.
        smaller: what is smaller than in the paper, for the report.
    """

    name: str
    weak_phantoms: Phantoms
    test_phantoms: Phantoms
    recipes: Mapping[str, RecipeChoice]
    folds: int
    seeds: tuple[int, ...]
    repeated: tuple[str, ...]
    grid: str
    smaller: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelEfficientScale:
    """Size of the second paper's experiment.

    Attributes:
        name: of the scale.
        weak_phantoms: in the role of RSNA, for the pretexts.
        test_phantoms: in the role of Hssayeni's collection (PhysioNet ct-ich).
        pretexts: recipe of each pretext by its name in `PRETEXTS`.
        ich_only: recipe of the baseline that sees bleeding slices only.
        mixed: recipe of the baseline with normal slices; its changes also serve fine-tuning.
        fine_tune: recipe after a pretext.
        folds: of the cross-validation.
        budgets: numbers of masks.
        budget_epochs: of fine-tuning at each budget, so that all take about as many steps.
        seeds: of the budget curve.
        parts: for the curve, the test cohort is dealt into so many folds for `pool`, `validation` and `test`.
        grid: on which pixels are counted: `native`, or a side in pixels.
        smaller: what is smaller than in the paper, for the report.
    """

    name: str
    weak_phantoms: Phantoms
    test_phantoms: Phantoms
    pretexts: Mapping[str, RecipeChoice]
    ich_only: RecipeChoice
    mixed: RecipeChoice
    fine_tune: RecipeChoice
    folds: int
    budgets: tuple[int, ...]
    budget_epochs: Mapping[int, int]
    seeds: tuple[int, ...]
    parts: Mapping[str, int]
    grid: str
    smaller: tuple[str, ...] = ()


def merge(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nested tables with changes.

    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    merged = dict(content)
    for name, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = merge(merged[name], value) if both else value
    return merged


def choose_hgi_sam_scale(name: str) -> HgiSamScale:
    """The size of that name; `UsageError` with the nearest name if there is none."""
    return choose_by_name(HGI_SAM_SCALES, name, "scale")


def choose_label_efficient_scale(name: str) -> LabelEfficientScale:
    """The size of that name; `UsageError` with the nearest name if there is none."""
    return choose_by_name(LABEL_EFFICIENT_SCALES, name, "scale")


_SMALL_WORLD: dict[str, Any] = {
    "slices": 12,
    "rows": 128,
    "columns": 128,
    "gap_mm": [5.0, 15.0],
    "subtypes": ["intraparenchymal", "intraventricular"],
    "noise_hu": [1.5, 3.0],
    "distractors": False,
}
_THICK_SUBTYPES = ("epidural", "intraparenchymal", "intraventricular")
"""Those whose blood is thicker than a pixel of the small grid, 3.4 mm."""

_WHOLE_WORLD: dict[str, Any] = {"slices": 32, "rows": 512, "columns": 512, "bleed_probability": 0.5}

_SMALL_GRID = {"image_size": 64, "field_of_view_mm": 216}
_SMALL_SWIN = {
    "network": {"arguments": {"image_size": 64, "tile_size": 4, "depths": [2, 2, 2]}},
    "objective": {"obvious_epochs": 5},
    "preprocessing": _SMALL_GRID,
    "augmentation": {"rotation_degrees": 10, "noise": 0.0},
    "data": {"validation_fraction": VALIDATION_FRACTION},
    "optimisation": {"epochs": 10},
}
_BARE_MAPS = {"bleed_hu": None, "bleed_contrast_hu": None, "minimum_ml": 0.0}
"""No rule on HU: the papers threshold maps only."""

_SMALL_MASKS = {
    "preprocessing": _SMALL_GRID,
    "data": {"validation_fraction": 0.15},
    "optimisation": {"epochs": 16},
}

HGI_SAM_SCALES = {
    "phantom": HgiSamScale(
        name="phantom",
        weak_phantoms=Phantoms(400, 200_000, {**_SMALL_WORLD, "bleed_probability": 0.9}),
        test_phantoms=Phantoms(36, 300_000, {**_SMALL_WORLD, "bleed_probability": 0.75}),
        recipes={
            "sam-multi": RecipeChoice("phantom-sam-multi", _SMALL_SWIN),
            "sam-binary": RecipeChoice("phantom-sam-binary", _SMALL_SWIN),
            "hgi-sam": RecipeChoice(
                "phantom-demo",
                {
                    **_SMALL_SWIN,
                    "network": {"arguments": {"outputs": 2}},
                    "objective": {"obvious_epochs": 0},
                    "start": {"checkpoint": "sam-binary", "parts": ["transformer.swin"]},
                    "segmentation": {"method": "hgi-sam", "stages": [1, 2, 3], **_BARE_MAPS},
                    "optimisation": {"epochs": 6, "learning_rate": 3e-4, "patience": 0},
                },
            ),
            "unet": RecipeChoice(
                "phantom-light-unet", {**_SMALL_MASKS, "network": {"arguments": {"widths": [12, 24, 48, 96]}}}
            ),
            "swin-unetr": RecipeChoice("phantom-swin-unetr", {**_SMALL_MASKS, "optimisation": {"epochs": 8}}),
        },
        folds=3,
        seeds=(0, 1, 2),
        repeated=("sam-multi", "sam-binary", "hgi-sam", "unet"),
        grid="native",
        smaller=(
            "400 weakly labelled phantoms of 12 slices instead of 752,803 slices of RSNA 2019",
            "36 test phantoms of 12 slices of 128 x 128 pixels instead of 75 scans of PhysioNet ct-ich; 3 folds "
            "instead of 5",
            "an easy world: bleeds within the brain and its ventricles only, no look-alikes, a quiet scanner",
            "inputs of 64 x 64 pixels instead of 384; a Swin of three stages (depths 2, 2, 2, 0.57 million weights) "
            "instead of Swin-B, trained from scratch for 10 epochs, the fine-tuning for 6; the first 5 of the 10 see "
            "obvious bleeds only (ADR 0008)",
            "U-Net widths 12 to 96 instead of 24 to 192, 16 epochs; Swin-UNETR 8 epochs, one seed",
        ),
    ),
    "paper": HgiSamScale(
        name="paper",
        weak_phantoms=Phantoms(20_000, 200_000, _WHOLE_WORLD),
        test_phantoms=Phantoms(75, 300_000, _WHOLE_WORLD),
        recipes={
            "sam-multi": RecipeChoice("paper-sam-multi"),
            "sam-binary": RecipeChoice("paper-sam-binary"),
            "hgi-sam": RecipeChoice("paper-hgi-sam"),
            "unet": RecipeChoice("paper-light-unet"),
            "swin-unetr": RecipeChoice("paper-swin-unetr"),
        },
        folds=5,
        seeds=(0,),
        repeated=(),
        grid="384",
    ),
}

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
    "preprocessing": _SMALL_GRID,
    "data": {"validation_fraction": VALIDATION_FRACTION},
}
_SMALL_UNET = {
    "network": {"arguments": {"width": _WIDTH}},
    "preprocessing": _SMALL_GRID,
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
        weak_phantoms=Phantoms(120, 400_000, {**_SMALL_WORLD, "subtypes": list(SUBTYPES), "bleed_probability": 0.75}),
        test_phantoms=Phantoms(
            64, 500_000, {**_SMALL_WORLD, "subtypes": list(_THICK_SUBTYPES), "bleed_probability": 0.75}
        ),
        pretexts=_of_pretexts("phantom", _SMALL_CLASSIFIER, _PRETEXT_EPOCHS),
        ich_only=RecipeChoice("phantom-unet", merge(_SMALL_UNET, {"objective": {"sampling": "ich-only"}})),
        mixed=RecipeChoice("phantom-unet", _SMALL_UNET),
        fine_tune=RecipeChoice("phantom-unet-fine-tune", _SMALL_UNET),
        folds=3,
        budgets=(2, 5, 20),
        budget_epochs={2: 40, 5: 18, 20: 5},
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
            "batches of 16 (some 300 steps), and about as many steps at every budget; a learning rate that rises and "
            "falls once",
            "the intracranial mask is the classical one of ichnos, without weights, instead of two U-Nets",
        ),
    ),
    "paper": LabelEfficientScale(
        name="paper",
        weak_phantoms=Phantoms(8_000, 400_000, _WHOLE_WORLD),
        test_phantoms=Phantoms(75, 500_000, _WHOLE_WORLD),
        pretexts=_of_pretexts("paper", {}, {}),
        ich_only=RecipeChoice("paper-unet-ich-only"),
        mixed=RecipeChoice("paper-unet-mixed"),
        fine_tune=RecipeChoice("paper-unet-fine-tune"),
        folds=10,
        budgets=(2, 5, 20),
        budget_epochs={2: 1000, 5: 400, 20: 100},
        seeds=(0, 1, 2),
        parts={"pool": 4, "validation": 1, "test": 3},
        grid="256",
    ),
}


@dataclass(frozen=True)
class Data:
    """Where an experiment's scans come from.

    Attributes:
        weak: slices with labels.
        test: scans with masks.
        measured_on: stands beside every figure; holds the word phantoms where they are.
    """

    weak: Source
    test: Source
    measured_on: str


FOLDERS = {"weak": ("rsna-2019", "rsna-2019"), "test": ("physionet-ct-ich", "physionet-ct-ich")}
"""Folder below ROOT and reader of each role."""


def choose_data(data: str, scale: HgiSamScale | LabelEfficientScale) -> Data:
    """`phantom`, or a folder that holds the collections of `FOLDERS`.

    Raises:
        UsageError: no such folder, or a collection is missing in it.
    """
    if data == "phantom":
        return Data(scale.weak_phantoms, scale.test_phantoms, "phantoms")
    root = Path(data)
    missing = [folder for folder, _ in FOLDERS.values() if not (root / folder).is_dir()]
    if missing:
        raise UsageError(
            f"{root} has no folder {' and no folder '.join(missing)}; give the folder that holds the collections, or "
            "--data phantom"
        )
    weak, test = (Collection(reader, root / folder) for folder, reader in FOLDERS.values())
    return Data(weak, test, "PhysioNet ct-ich")

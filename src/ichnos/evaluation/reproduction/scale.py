"""How large an experiment is: where its scans come from, which recipes train, how often."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ichnos.errors import UsageError
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
        budget_fits: changes of `optimisation` at each budget, so that all take about as many steps.
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
    budget_fits: Mapping[int, Mapping[str, int]]
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

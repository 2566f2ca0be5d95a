"""Training settings: TOML in, one frozen object out; unknown keys are refused with the nearest."""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from ichnos.errors import UsageError
from ichnos.phantoms import PhantomSettings
from ichnos.preprocessing.augmentation import Augmentation
from ichnos.preprocessing.recipe import Recipe
from ichnos.runtime.names import list_near
from ichnos.runtime.wrong_settings import explain
from ichnos.segmentation.settings import SegmentationSettings
from ichnos.training.objectives.registry import make_objective


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Data(_Settings):
    """What is trained on: phantoms that are made, or a store that was prepared.

    Attributes:
        phantoms: how many to train and validate on.
        store: folder of a prepared store, instead of phantoms.
        validation_store: another store to validate on; else a part of the patients of `store`.
        folds: frozen folds of the store (`ichnos cohort split`); the cases of `fold` are left alone, to
            test on.
        fold: which of them, from 0.
        budget: how many scans that bleed may be trained on with their masks (`cohorts.budgets`, by the
            recipe's seed), and as many healthy ones; None for all. Labels of slices may all be used.
        validation_budget: the same of the scans that are validated on; they were drawn by somebody too.
        first_seed: seeds of phantoms count up from here.
        validation_fraction: of the patients (each phantom is one), for early stopping.
        calibration_phantoms: of the validation phantoms, how many choose the map threshold; the
            only use of masks where labels of slices are trained on.
        gate_specificity: share of bleed-free validation slices that the calibrated gate keeps empty.
        test_phantoms: fresh phantoms, of seeds after the others, that the model card reports on.
        settings: of the phantoms to train and validate on.
        test_settings: of the phantoms that the model card reports on.
    """

    phantoms: PositiveInt | None = None
    store: Path | None = None
    validation_store: Path | None = None
    folds: Path | None = None
    fold: NonNegativeInt = 0
    budget: PositiveInt | None = None
    validation_budget: PositiveInt | None = None
    first_seed: int = Field(default=100_000, ge=0)
    validation_fraction: float = Field(default=0.1, gt=0.0, lt=1.0)
    calibration_phantoms: PositiveInt = 12
    gate_specificity: float = Field(default=0.95, ge=0.0, le=1.0)
    test_phantoms: PositiveInt = 12
    settings: PhantomSettings = PhantomSettings()
    test_settings: PhantomSettings = PhantomSettings()

    @model_validator(mode="after")
    def _check_source(self) -> "Data":
        if (self.phantoms is None) == (self.store is None):
            raise ValueError("give either phantoms (how many) or store (a prepared folder)")
        if self.store is None and (self.validation_store or self.folds):
            raise ValueError("validation_store and folds go with store")
        return self

    @property
    def seeds(self) -> range:
        """Of the phantoms to train and validate on; none where a store is given."""
        return range(self.first_seed, self.first_seed + (self.phantoms or 0))

    @property
    def test_seeds(self) -> range:
        """Of the phantoms that nothing was chosen on; none where a store is given."""
        first = self.first_seed + (self.phantoms or 0)
        return range(first, first + (self.test_phantoms if self.phantoms else 0))


class Network(_Settings):
    """A network by name, with its arguments."""

    name: str
    arguments: dict[str, Any]


class Start(_Settings):
    """What the network begins with, instead of random weights.

    Attributes:
        checkpoint: folder of a trained network.
        parts: of the network that are taken over (`models.transfer`), such as `encoder`; none said, those
            that its own training was for.
        freeze: whether what was taken over stays as it is; else all of it goes on learning.
    """

    checkpoint: Path
    parts: tuple[str, ...] = ()
    freeze: bool = False


class Optimisation(_Settings):
    """How the weights are fitted.

    Attributes:
        epochs: at most.
        batch_size: slices at a time, in each process.
        accumulate: batches whose gradients make one step.
        optimizer: AdamW, or Adam, whose weight decay is an L2 penalty.
        learning_rate: the peak of `one-cycle`, the first of the others.
        weight_decay: of the optimizer.
        schedule: `one-cycle` over all epochs, `exponential` by `decay` after each epoch, or `constant`.
        decay: factor of the exponential schedule.
        patience: epochs without a better validation loss before training stops; 0 for never.
        keep: the weights of the `best` epoch by validation loss, or of the `last`.
        clip_gradient: largest norm of the gradient; 0 for any.
        precision: of the forward pass: 32 bits, `bf16`, or 16 (GPUs only).
        head_epochs: at most so many epochs before the others train only what `start` did not take over;
            they end by the same patience.
        head_learning_rate: of those.
    """

    epochs: PositiveInt
    batch_size: PositiveInt = 64
    accumulate: PositiveInt = 1
    optimizer: Literal["adamw", "adam"] = "adamw"
    learning_rate: PositiveFloat = 5e-4
    weight_decay: NonNegativeFloat = 0.01
    schedule: Literal["one-cycle", "exponential", "constant"] = "one-cycle"
    decay: float = Field(default=0.96, gt=0.0, le=1.0)
    patience: NonNegativeInt = 3
    keep: Literal["best", "last"] = "best"
    clip_gradient: NonNegativeFloat = 1.0
    precision: Literal[32, 16, "bf16"] = 32
    head_epochs: NonNegativeInt = 0
    head_learning_rate: PositiveFloat = 1e-3


class TrainingRecipe(_Settings):
    """Everything that decides a training run.

    `objective` holds a name of `objectives.registry.OBJECTIVES` and the settings of that strategy.
    """

    seed: int = Field(default=0, ge=0, lt=2**32)
    data: Data
    network: Network
    start: Start | None = None
    objective: dict[str, Any] = Field(default={"name": "slice-labels"})
    preprocessing: Recipe
    segmentation: SegmentationSettings = SegmentationSettings()
    augmentation: Augmentation = Augmentation()
    optimisation: Optimisation

    @model_validator(mode="after")
    def _check_head(self) -> "TrainingRecipe":
        if self.optimisation.head_epochs and self.start is None:
            raise ValueError("optimisation.head_epochs trains what start does not take over; add a section start")
        return self


def list_recipes() -> list[str]:
    """Names of the recipes in the package."""
    folder = Path(str(files("ichnos"))) / "recipes"
    return sorted(path.stem for path in folder.glob("*.toml"))


def load_recipe(name: str, changes: Sequence[str] = ()) -> TrainingRecipe:
    """Read a recipe of the package by name, or a TOML file by path.

    Args:
        name: such as `phantom-swin`, or a path that ends in .toml.
        changes: `section.key=value` each, the value as TOML.

    Raises:
        UsageError: no such recipe, not TOML, an unknown key, or a value of the wrong kind, those of the
            objective included.
    """
    if name.endswith(".toml"):
        path = Path(name)
    elif name in list_recipes():
        path = Path(str(files("ichnos"))) / "recipes" / f"{name}.toml"
    else:
        near = ", ".join(list_near(name, list_recipes(), most=3, likeness=0.3))
        hint = f"did you mean one of {near}? " if near else ""
        raise UsageError(f"no recipe is called {name!r}; {hint}`ichnos info` lists all; or give a .toml file")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"recipe {path} is not TOML: {error}") from error
    for change in changes:
        _apply(content, change)
    try:
        recipe = TrainingRecipe.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"recipe {name!r}: {explain(error, TrainingRecipe)}") from error
    try:
        make_objective(recipe.objective)
    except UsageError as error:
        raise UsageError(f"recipe {name!r}: {error}") from error
    return recipe


_INSTEAD = {"store": ("phantoms",), "phantoms": ("store", "validation_store", "folds")}
"""Keys of `[data]` whose place a store or phantoms take."""


def _apply(content: dict[str, Any], change: str) -> None:
    """Set one `section.key=value` in nested tables."""
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set takes section.key=value; got {change!r}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *sections, last = key.strip().split(".")
    table = content
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise UsageError(f"--set {change!r}: {section!r} is a value, not a section")
    for replaced in _INSTEAD.get(last, ()) if sections == ["data"] else ():
        table.pop(replaced, None)
    table[last] = value

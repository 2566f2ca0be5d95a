"""Training settings: TOML in, one frozen object out; unknown keys are refused with the nearest."""

import difflib
import tomllib
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from ichnos.errors import UsageError
from ichnos.phantoms import PhantomSettings
from ichnos.preprocessing.augmentation import Augmentation
from ichnos.preprocessing.recipe import Recipe
from ichnos.segmentation.settings import SegmentationSettings


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Data(_Settings):
    """Which phantoms are made.

    Attributes:
        phantoms: how many to train and validate on.
        first_seed: their seeds count up from here.
        validation_fraction: of the phantoms, for early stopping.
        calibration_phantoms: of the validation phantoms, how many choose the map threshold; the
            only use of masks.
        gate_specificity: share of bleed-free validation slices that the calibrated gate keeps empty.
        test_phantoms: fresh phantoms, of seeds after the others, that the model card reports on.
        settings: of the phantoms to train and validate on.
        test_settings: of the phantoms that the model card reports on.
    """

    phantoms: PositiveInt
    first_seed: int = Field(default=100_000, ge=0)
    validation_fraction: float = Field(default=0.1, gt=0.0, lt=1.0)
    calibration_phantoms: PositiveInt = 12
    gate_specificity: float = Field(default=0.95, ge=0.0, le=1.0)
    test_phantoms: PositiveInt = 12
    settings: PhantomSettings = PhantomSettings()
    test_settings: PhantomSettings = PhantomSettings()

    @property
    def seeds(self) -> range:
        """Of the phantoms to train and validate on."""
        return range(self.first_seed, self.first_seed + self.phantoms)

    @property
    def test_seeds(self) -> range:
        """Of the phantoms that nothing was chosen on."""
        return range(self.first_seed + self.phantoms, self.first_seed + self.phantoms + self.test_phantoms)


class Network(_Settings):
    """A network by name, with its arguments."""

    name: str
    arguments: dict[str, Any]


class Optimisation(_Settings):
    """How the weights are fitted.

    Attributes:
        epochs: at most.
        batch_size: slices at a time.
        learning_rate: peak of a one-cycle schedule (AdamW).
        weight_decay: of AdamW.
        patience: epochs without a better validation loss before training stops.
        clip_gradient: largest norm of the gradient.
    """

    epochs: PositiveInt
    batch_size: PositiveInt = 64
    learning_rate: PositiveFloat = 5e-4
    weight_decay: NonNegativeFloat = 0.01
    patience: PositiveInt = 3
    clip_gradient: PositiveFloat = 1.0


class TrainingRecipe(_Settings):
    """Everything that decides a training run.

    `objective` holds a name of `objectives.registry.OBJECTIVES` and the settings of that strategy.
    """

    seed: int = Field(default=0, ge=0, lt=2**32)
    data: Data
    network: Network
    objective: dict[str, Any] = Field(default={"name": "slice-labels"})
    preprocessing: Recipe
    segmentation: SegmentationSettings = SegmentationSettings()
    augmentation: Augmentation = Augmentation()
    optimisation: Optimisation


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
        UsageError: no such recipe, not TOML, an unknown key, or a value of the wrong kind.
    """
    if name.endswith(".toml"):
        path = Path(name)
    elif name in list_recipes():
        path = Path(str(files("ichnos"))) / "recipes" / f"{name}.toml"
    else:
        raise UsageError(f"no recipe is called {name!r}; there are {', '.join(list_recipes())}, or give a .toml file")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"recipe {path} is not TOML: {error}") from error
    for change in changes:
        _apply(content, change)
    try:
        return TrainingRecipe.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"recipe {name!r}: {_explain(error)}") from error


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
    table[last] = value


def _explain(error: ValidationError) -> str:
    """One line for the first thing that is wrong, with the nearest key for an unknown one."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{place} is missing"
    if first["type"] not in {"extra_forbidden", "unexpected_keyword_argument"}:
        return f"{place} = {first['input']!r}: {first['msg']}"
    known = _known_keys(first["loc"][:-1])
    near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
    return f"{place} is not a setting; {hint}"


def _known_keys(sections: Sequence[str | int]) -> list[str]:
    """Keys that a section of a recipe may have; a number is a place in a list of sections."""
    model: Any = TrainingRecipe
    for section in sections:
        model = get_args(model)[0] if isinstance(section, int) else model.model_fields[section].annotation
    return [one.name for one in fields(model)] if is_dataclass(model) else list(model.model_fields)

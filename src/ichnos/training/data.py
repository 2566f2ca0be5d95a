"""What a recipe trains and validates on: slices of phantoms that are made, or of a prepared store."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from ichnos.cohorts.phantom_slices import prepare_phantoms
from ichnos.cohorts.slice_store import SliceStore, open_store
from ichnos.cohorts.split import split_patients
from ichnos.errors import TrainingError, UsageError
from ichnos.preprocessing.recipe import Recipe
from ichnos.training.recipe import Data, TrainingRecipe


@dataclass(frozen=True)
class Slices:
    """Rows of a store.

    Attributes:
        store: where they are.
        rows: which of them.
    """

    store: SliceStore
    rows: Int[np.ndarray, " rows"]

    def __len__(self) -> int:
        return len(self.rows)


def open_data(recipe: TrainingRecipe, work: Path, workers: int) -> tuple[Slices, Slices]:
    """The slices to train on and to validate on; no patient is in both.

    Args:
        recipe: its data, grid and seed.
        work: phantoms are stored in its folder `store`.
        workers: processes that make phantoms.

    Raises:
        UsageError: no store there, one on another grid, or cases that do not fit the folds.
        TrainingError: nothing to train or validate on.
    """
    data = recipe.data
    if data.store is None:
        store = prepare_phantoms(data.seeds, data.settings, recipe.preprocessing, work / "store", workers)
    else:
        store = _open(data.store, recipe.preprocessing)
    store, chosen = _take_fold(store, data)
    if data.validation_store is None:
        patients = [store.slice_patients[row] for row in chosen]
        training, validation = split_patients(patients, data.validation_fraction, recipe.seed)
        return Slices(store, chosen[training]), Slices(store, chosen[validation])
    other = _open(data.validation_store, recipe.preprocessing)
    both = set(other.patients) & {store.slice_patients[row] for row in chosen}
    if both:
        raise UsageError(f"{len(both)} patients of {data.validation_store} are in {data.store} too; validate on others")
    return Slices(store, chosen), Slices(other, np.arange(len(other)))


def describe_data(data: Data) -> str:
    """What was trained on, in words for a checkpoint."""
    if data.store is None:
        return f"{data.phantoms} synthetic phantoms of ichnos; no patient data"
    fold = "" if data.folds is None else f", fold {data.fold} of {data.folds.name}"
    budget = "" if data.budget is None else f", masks of {data.budget} cases"
    return f"store {data.store.name}{fold}{budget}"


def _open(folder: Path, recipe: Recipe) -> SliceStore:
    store = open_store(folder)
    if store is None:
        raise UsageError(f"{folder} holds no finished store; make one with ichnos prepare")
    if not len(store):
        raise TrainingError(f"the store {folder} holds no slices; prepare it again")
    size = store.hu.shape[1]
    grid = {"image_size": size, "field_of_view_mm": store.origin.get("field_of_view_mm", recipe.field_of_view_mm)}
    for name, found in grid.items():
        asked = getattr(recipe, name)
        if found != asked:
            raise UsageError(
                f"the store {folder} has {name} {found}, the recipe {asked}; "
                f"give --set preprocessing.{name}={found}, or prepare it again"
            )
    return store


def _take_fold(store: SliceStore, data: Data) -> tuple[SliceStore, Int[np.ndarray, " chosen"]]:
    """Rows of the cases that the fold trains on; beyond the budget, a case's masks are not looked at."""
    if data.folds is None:
        return store, np.arange(len(store))
    fold = _read_fold(data.folds, data.fold)
    chosen = np.flatnonzero(_in_cases(store, fold["training"], data.folds))
    if not len(chosen):
        raise TrainingError(f"fold {data.fold} of {data.folds} trains on no case of the store {data.store}")
    if data.budget is None:
        return store, chosen
    budgets = fold.get("budgets", {})
    if str(data.budget) not in budgets:
        raise UsageError(f"{data.folds} has no budget of {data.budget}; there are: {', '.join(budgets) or 'none'}")
    with_masks = _in_cases(store, budgets[str(data.budget)], data.folds)
    return replace(store, has_mask=store.has_mask & with_masks), chosen


def _read_fold(path: Path, number: int) -> dict[str, Any]:
    try:
        folds = json.loads(path.read_text(encoding="utf-8"))["folds"]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is not a file of folds: {error!r:.200}") from error
    if number >= len(folds):
        raise UsageError(f"{path} has {len(folds)} folds; data.fold counts from 0, got {number}")
    fold: dict[str, Any] = folds[number]
    return fold


def _in_cases(store: SliceStore, cases: Collection[str], path: Path) -> Bool[np.ndarray, " slices"]:
    unknown = set(cases) - set(store.names)
    if unknown:
        raise UsageError(
            f"{len(unknown)} cases of {path} are not in the store, {min(unknown)!r} for one; was it prepared from "
            "the same collection?"
        )
    wanted = np.array([name in set(cases) for name in store.names])
    return np.asarray(wanted[store.cases])

"""What a recipe trains and validates on: slices of phantoms that are made, or of a prepared store."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int

from ichnos.cohorts.budgets import make_budgets
from ichnos.cohorts.folds import read_folds
from ichnos.cohorts.phantom_slices import prepare_phantoms
from ichnos.cohorts.slice_store import SliceStore, load_store
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
        StoreError: no whole store there.
        CohortError: folds that do not belong to the store.
        UsageError: a store on another grid, no such fold, or fewer masks than the budget.
        TrainingError: nothing to train or validate on.
    """
    data = recipe.data
    if data.store is None:
        store = prepare_phantoms(data.seeds, data.settings, recipe.preprocessing, work / "store", workers)
    else:
        store = _open(data.store, recipe.preprocessing)
    store, chosen = _take_fold(store, data, recipe.seed)
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
    store = load_store(folder)
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


def _take_fold(store: SliceStore, data: Data, seed: int) -> tuple[SliceStore, Int[np.ndarray, " chosen"]]:
    """Rows that the fold trains on; beyond the budget, nobody drew a mask."""
    chosen = np.arange(len(store))
    if data.folds is not None:
        chosen, _ = read_folds(data.folds).split_rows(store, data.fold)
    if data.budget is None:
        return store, chosen
    drawn = make_budgets(store, seed, rows=chosen).choose_rows(store, data.budget)
    return replace(store, has_mask=store.has_mask & np.isin(np.arange(len(store)), drawn)), chosen

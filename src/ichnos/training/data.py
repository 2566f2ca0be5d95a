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

    @property
    def masked_scans(self) -> int:
        """Scans with masks that bleed: what somebody had to draw."""
        drawn = self.store.has_mask[self.rows] & self.store.is_positive[self.rows]
        return len(np.unique(self.store.cases[self.rows][drawn]))


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
    chosen = np.arange(len(store))
    if data.folds is not None:
        chosen, _ = read_folds(data.folds).split_rows(store, data.fold)
    if data.validation_store is None:
        training, validation = _split(store, chosen, data.validation_fraction, recipe.seed)
    else:
        other = _open(data.validation_store, recipe.preprocessing)
        training, validation = Slices(store, chosen), Slices(other, np.arange(len(other)))
        _check_apart(training, validation, data)
    return (
        _keep_masks(training, data.budget, recipe.seed, "data.budget"),
        _keep_masks(validation, data.validation_budget, recipe.seed, "data.validation_budget"),
    )


def describe_data(data: Data) -> str:
    """What was trained on, in words for a checkpoint."""
    if data.store is None:
        return f"{data.phantoms} synthetic phantoms of ichnos; no patient data"
    fold = "" if data.folds is None else f", fold {data.fold} of {data.folds.name}"
    return f"store {data.store.name}{fold}"


def _open(folder: Path, recipe: Recipe) -> SliceStore:
    store = load_store(folder)
    if not len(store):
        raise TrainingError(f"the store {folder} holds no slices; prepare it again")
    size = store.hu.shape[1]
    grid = {
        "image_size": size,
        "field_of_view_mm": store.origin.get("field_of_view_mm", recipe.field_of_view_mm),
        "cut_off_hu": store.origin.get("cut_off_hu"),
    }
    for name, found in grid.items():
        asked = recipe.model_dump(mode="json")[name]
        if found != asked:
            raise UsageError(
                f"the store {folder} has {name} {found}, the recipe {asked}; "
                f"give --set preprocessing.{name}={found}, or prepare it again"
            )
    return store


def _split(store: SliceStore, chosen: Int[np.ndarray, " chosen"], fraction: float, seed: int) -> tuple[Slices, Slices]:
    """By patient; where only some scans have masks, both sides get some of those that bleed."""
    is_drawn = store.has_mask[chosen]
    scarce = None if is_drawn.all() else is_drawn & store.is_positive[chosen]
    patients = [store.slice_patients[row] for row in chosen]
    training, validation = split_patients(patients, fraction, seed, scarce=scarce)
    return Slices(store, chosen[training]), Slices(store, chosen[validation])


def _check_apart(training: Slices, validation: Slices, data: Data) -> None:
    both = set(validation.store.patients) & {training.store.slice_patients[row] for row in training.rows}
    if both:
        raise UsageError(f"{len(both)} patients of {data.validation_store} are in {data.store} too; validate on others")


def _keep_masks(slices: Slices, budget: int | None, seed: int, key: str) -> Slices:
    """The same slices; beyond the budget, nobody drew a mask."""
    if budget is None:
        return slices
    store = slices.store
    try:
        drawn = make_budgets(store, seed, rows=slices.rows).choose_rows(store, budget)
    except UsageError as error:
        raise UsageError(f"{key} = {budget}: {error}") from error
    has_mask = store.has_mask & np.isin(np.arange(len(store)), drawn)
    return Slices(replace(store, has_mask=has_mask), slices.rows)

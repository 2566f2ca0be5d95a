from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny import made_store, tiny_recipe

from ichnos.cohorts.folds import make_folds, write_folds
from ichnos.errors import TrainingError, UsageError
from ichnos.training import data as data_module
from ichnos.training.data import describe_data, open_data


@pytest.fixture
def stores(monkeypatch):
    """Stores by the name of their folder; none is on disk."""
    known = {"store": made_store(count=40, size=32, patients=10)}
    monkeypatch.setattr(data_module, "load_store", lambda folder: known[folder.name])
    return known


def recipe_of(**data):
    recipe = tiny_recipe()
    changed = {"phantoms": None, "store": Path("store"), "validation_fraction": 0.2, **data}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=changed)})


def patients(slices):
    return {slices.store.slice_patients[row] for row in slices.rows}


def test_a_store_is_split_by_patient(stores, tmp_path):
    training, validation = open_data(recipe_of(), tmp_path, 1)
    assert patients(training).isdisjoint(patients(validation))
    assert len(patients(validation)) == 2
    assert len(training) + len(validation) == 40


def test_the_cases_of_a_fold_are_left_alone(stores, tmp_path):
    folds = make_folds(stores["store"], 5, seed=0)
    write_folds(folds, tmp_path / "folds.json")
    training, validation = open_data(recipe_of(folds=tmp_path / "folds.json", fold=3), tmp_path, 1)
    tested = {patient for patient, fold in zip(folds.patients, folds.folds, strict=True) if fold == 3}
    assert patients(training) | patients(validation) == set(stores["store"].patients) - tested


def drawn(slices):
    """Cases whose masks may be used."""
    return set(slices.store.cases[slices.rows][slices.store.has_mask[slices.rows]].tolist())


def test_beyond_the_budget_nobody_drew_a_mask(stores, tmp_path):
    training, validation = open_data(recipe_of(budget=3), tmp_path, 1)
    assert len(drawn(training)) == training.masked_scans == 3  # all cases of this store bleed
    assert len(drawn(validation)) == validation.masked_scans == 2, "those to validate on keep theirs"
    assert np.array_equal(training.store.labels, stores["store"].labels), "labels are not part of the budget"


def test_a_larger_budget_holds_the_smaller(stores, tmp_path):
    small, large = (open_data(recipe_of(budget=budget), tmp_path, 1)[0] for budget in (2, 5))
    assert drawn(small) < drawn(large)


def test_masks_to_validate_on_have_a_budget_of_their_own(stores, tmp_path):
    training, validation = open_data(recipe_of(budget=3, validation_budget=1), tmp_path, 1)
    assert (training.masked_scans, validation.masked_scans) == (3, 1)
    training, validation = open_data(recipe_of(validation_budget=1), tmp_path, 1)
    assert (training.masked_scans, validation.masked_scans) == (8, 1)


@pytest.mark.parametrize("key", ["budget", "validation_budget"])
def test_more_masks_than_there_are_cannot_be_asked_for(stores, tmp_path, key):
    with pytest.raises(UsageError, match=rf"^data.{key} = 99: a budget lies from 1 to the [28] scans with masks"):
        open_data(recipe_of(**{key: 99}), tmp_path, 1)


@pytest.mark.parametrize("masked", [2, 3, 5])
def test_where_few_scans_have_masks_both_sides_get_some(stores, tmp_path, masked):
    store = stores["store"]
    stores["store"] = replace(store, has_mask=store.cases < masked)
    for seed in range(5):
        training, validation = open_data(recipe_of().model_copy(update={"seed": seed}), tmp_path, 1)
        assert validation.masked_scans == 1
        assert training.masked_scans == masked - 1
        assert len(patients(validation)) == 2, "the fraction stays that of all patients"


def test_a_single_mask_is_trained_on(stores, tmp_path):
    stores["store"] = replace(stores["store"], has_mask=stores["store"].cases == 4)
    for seed in range(5):
        training, _ = open_data(recipe_of().model_copy(update={"seed": seed}), tmp_path, 1)
        assert training.masked_scans == 1


def test_another_store_validates_all_of_itself(stores, tmp_path):
    other = made_store(count=8, size=32, patients=2)
    stores["other"] = replace(other, patients=("x", "y"))
    training, validation = open_data(recipe_of(validation_store=Path("other")), tmp_path, 1)
    assert (len(training), len(validation)) == (40, 8)


def test_patients_may_not_be_in_both_stores(stores, tmp_path):
    stores["other"] = made_store(count=8, size=32, patients=2)
    with pytest.raises(UsageError, match=r"^2 patients of other are in store too; validate on others$"):
        open_data(recipe_of(validation_store=Path("other")), tmp_path, 1)


def test_a_store_on_another_grid_is_refused(stores, tmp_path):
    stores["store"] = made_store(size=16)
    with pytest.raises(UsageError, match=r"has image_size 16, the recipe 32; give --set preprocessing.image_size=16, "):
        open_data(recipe_of(), tmp_path, 1)
    stores["store"] = replace(made_store(size=32), origin={"field_of_view_mm": 240.0})
    with pytest.raises(UsageError, match=r"has field_of_view_mm 240.0, the recipe 230.0; "):
        open_data(recipe_of(), tmp_path, 1)
    stores["store"] = replace(made_store(size=32), origin={"cut_off_hu": [0.0, 255.0]})
    with pytest.raises(UsageError, match=r"has cut_off_hu \[0.0, 255.0\], the recipe None; "):
        open_data(recipe_of(), tmp_path, 1)


def test_an_empty_store_is_refused(stores, tmp_path):
    stores["store"] = made_store(count=0, size=32)
    with pytest.raises(TrainingError, match=r"holds no slices"):
        open_data(recipe_of(), tmp_path, 1)


def test_data_are_told_in_words():
    assert describe_data(tiny_recipe().data) == "8 synthetic phantoms of ichnos; no patient data"
    told = describe_data(recipe_of(folds=Path("a/folds.json"), fold=1, budget=5).data)
    assert told == "store store, fold 1 of folds.json"

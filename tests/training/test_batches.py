import numpy as np
import pytest
import torch
from tiny import made_store, tiny_recipe

from ichnos.training import batches as batches_module
from ichnos.training.batches import (
    EpochBatches,
    EpochRows,
    OrderedBatches,
    SliceDataset,
    training_batches,
    validation_batches,
)
from ichnos.training.objectives.slice_labels import SliceLabels

RECIPE = tiny_recipe().preprocessing


def make_rows(store, chosen=None, seed=0):
    return EpochRows(SliceLabels(), store, np.arange(len(store)) if chosen is None else chosen, seed)


def test_a_batch_holds_the_asked_slices_windowed_as_the_recipe_says():
    store = made_store()
    batch = SliceDataset(store, RECIPE).__getitems__([2, 7, 7])
    assert batch.rows.tolist() == [2, 7, 7]
    for place, row in enumerate([2, 7, 7]):
        hu = store.hu[row].astype(float)
        for channel, width_hu in zip(batch.pixels[place], (80, 200, 400), strict=True):
            windowed = np.clip((hu - (40 - width_hu / 2)) / width_hu, 0, 1)
            np.testing.assert_allclose(channel, (windowed - 0.35) / 0.33, rtol=1e-4, atol=1e-5)
        assert batch.labels[place].tolist() == store.labels[row].tolist()
        assert np.array_equal(batch.marks[place], store.marks[row])
    assert batch.pixels.dtype == torch.float32
    assert batch.has_mask.all()


def test_one_item_is_a_batch_of_one():
    dataset = SliceDataset(made_store(), RECIPE)
    one, batch = dataset[3], dataset.__getitems__([3])
    assert torch.equal(one.pixels, batch.pixels)
    assert torch.equal(one.labels, batch.labels)
    assert len(dataset) == 40


def test_the_order_depends_on_seed_and_epoch_alone():
    store = made_store(count=50)
    rows, other = make_rows(store, seed=4), make_rows(store, seed=4)
    first = list(rows)
    rows.set_epoch(1)
    second = list(rows)
    torch.rand(5)  # the global generator plays no part
    other.set_epoch(1)
    assert list(other) == second
    assert first != second
    assert list(make_rows(store, seed=5)) != first
    assert len(rows) == len(first) == 50


def test_training_leaves_an_incomplete_last_batch_out():
    store = made_store()
    batches = training_batches(SliceDataset(store, RECIPE), make_rows(store, np.arange(25)), 10)
    assert [len(batch) for batch in batches] == [10, 10]


def test_training_balances_by_the_chosen_slices():
    store = made_store(count=400)
    chosen = np.flatnonzero((np.arange(400) % 4 > 0) | (np.arange(400) % 40 == 0))
    assert store.is_positive[chosen].mean() < 0.05
    batches = training_batches(SliceDataset(store, RECIPE), make_rows(store, chosen), 10)
    labels = torch.cat([batch.is_positive for batch in batches])
    assert labels.float().mean() == pytest.approx(0.5, abs=0.14)


def test_validation_sees_every_slice_once_in_order():
    store, chosen = made_store(), np.array([1, 8, 9, 20, 33])
    batches = list(validation_batches(SliceDataset(store, RECIPE), chosen, 2))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    expected = torch.from_numpy(RECIPE.make_channels(store.hu[chosen].astype(np.float32)))
    assert torch.equal(torch.cat([batch.pixels for batch in batches]), expected)
    assert torch.equal(torch.cat([batch.rows for batch in batches]), torch.from_numpy(chosen))


def as_processes(monkeypatch, count, batches):
    """What each of so many processes would be given."""
    given = []
    for process in range(count):
        monkeypatch.setattr(batches_module, "_place", lambda process=process: (process, count))
        given.append(list(batches))
        assert len(batches) == len(given[-1])
    return given


@pytest.mark.parametrize(("processes", "size"), [(1, 6), (2, 3), (3, 2)])
def test_processes_together_make_the_steps_of_one(monkeypatch, processes, size):
    rows = make_rows(made_store(), np.arange(25))
    drawn = list(rows)
    given = as_processes(monkeypatch, processes, EpochBatches(rows, size))
    steps = [[row for own in step for row in own] for step in zip(*given, strict=True)]
    assert steps == [drawn[start : start + 6] for start in range(0, 24, 6)], "the last one is left out"


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_validate_on_runs_of_whole_batches(monkeypatch, processes):
    batches = OrderedBatches(np.arange(20, 37), 4)
    given = as_processes(monkeypatch, processes, batches)
    expected = [list(range(start, min(start + 4, 37))) for start in range(20, 37, 4)]
    assert [rows for own in given for rows in own] == expected


def test_whose_masks_may_be_used_comes_with_the_slices():
    store = made_store()
    store.has_mask[[2, 5]] = False
    assert SliceDataset(store, RECIPE).__getitems__([1, 2, 5, 6]).has_mask.tolist() == [True, False, False, True]


def test_an_epoch_that_was_begun_is_gone_on_with_and_the_next_is_whole():
    store = made_store()
    loader = training_batches(SliceDataset(store, RECIPE), make_rows(store), 10)
    whole = [batch.rows.tolist() for batch in loader]
    loader.load_state_dict({"taken": 3})
    assert [batch.rows.tolist() for batch in loader] == whole[3:]
    assert loader.state_dict() == {"taken": 4}
    assert [batch.rows.tolist() for batch in loader] == whole
    loader.load_state_dict({"taken": 4})
    assert [batch.rows.tolist() for batch in loader] == whole, "all of it was taken: the next one begins"

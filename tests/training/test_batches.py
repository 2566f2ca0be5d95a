import numpy as np
import pytest
import torch
from tiny import made_store, tiny_recipe

from ichnos.training.batches import BalancedSampler, SliceDataset, training_batches, validation_batches

RECIPE = tiny_recipe().preprocessing


def test_a_batch_holds_the_chosen_slices_windowed_as_the_recipe_says():
    store = made_store()
    dataset = SliceDataset(store, np.array([7, 30, 2]), RECIPE)
    pixels, labels = dataset.__getitems__([2, 0, 0])
    for row, slice_pixels, slice_labels in zip([2, 7, 7], pixels, labels, strict=True):
        hu = store.slices_hu[row].astype(float)
        for channel, width_hu in zip(slice_pixels, (80, 200, 400), strict=True):
            windowed = np.clip((hu - (40 - width_hu / 2)) / width_hu, 0, 1)
            np.testing.assert_allclose(channel, (windowed - 0.35) / 0.33, rtol=1e-4, atol=1e-5)
        assert slice_labels.tolist() == store.labels[row].tolist()
    assert pixels.dtype == torch.float32


def test_one_item_is_a_batch_of_one_without_its_first_axis():
    dataset = SliceDataset(made_store(), np.arange(5), RECIPE)
    pixels, labels = dataset[3]
    batch_pixels, batch_labels = dataset.__getitems__([3])
    assert torch.equal(pixels, batch_pixels[0])
    assert torch.equal(labels, batch_labels[0])
    assert len(dataset) == 5


def make_sampler(is_positive, seed):
    return BalancedSampler(is_positive, np.ones_like(is_positive), obvious_epochs=0, seed=seed)


def test_both_labels_are_drawn_equally_often():
    is_positive = np.arange(100) % 10 == 0
    sampler = make_sampler(is_positive, seed=0)
    drawn = []
    for epoch in range(40):
        sampler.set_epoch(epoch)
        drawn += list(sampler)
    assert len(drawn) == 4000
    assert is_positive[drawn].mean() == pytest.approx(0.5, abs=0.04)  # 5 standard deviations
    counts = np.bincount(drawn, minlength=100)
    assert counts[is_positive].mean() == pytest.approx(9 * counts[~is_positive].mean(), rel=0.15)
    assert counts.min() > 0, "every slice has its chance"


@pytest.mark.parametrize("label", [True, False])
def test_one_kind_of_label_is_drawn_evenly(label):
    sampler = make_sampler(np.full(10, label), seed=0)
    assert sampler.all_weights.tolist() == [0.1] * 10


def test_the_first_epochs_leave_out_bleeds_that_are_not_obvious():
    is_positive = np.arange(3000) % 3 == 0
    is_obvious = np.arange(3000) % 6 == 0
    sampler = BalancedSampler(is_positive, is_obvious, obvious_epochs=2, seed=0)
    for epoch, subtle_expected in ((0, False), (1, False), (2, True)):
        sampler.set_epoch(epoch)
        drawn = list(sampler)
        assert (is_positive & ~is_obvious)[drawn].any() == subtle_expected
        assert (~is_positive)[drawn].any()
        assert is_positive[drawn].mean() == pytest.approx(0.5, abs=0.05)  # 5 standard deviations
        assert len(drawn) == 3000


def test_without_an_obvious_bleed_all_are_drawn_from_the_start():
    is_positive = np.arange(20) % 2 == 0
    sampler = BalancedSampler(is_positive, np.zeros(20, bool), obvious_epochs=3, seed=0)
    assert is_positive[list(sampler)].any()


def test_the_order_depends_on_seed_and_epoch_alone():
    is_positive = np.arange(50) % 3 == 0
    sampler, other = make_sampler(is_positive, seed=4), make_sampler(is_positive, seed=4)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    torch.rand(5)  # the global generator plays no part
    other.set_epoch(1)
    assert list(other) == second
    assert first != second
    assert list(make_sampler(is_positive, seed=5)) != first
    assert len(sampler) == len(first) == 50


def test_training_leaves_an_incomplete_last_batch_out():
    dataset = SliceDataset(made_store(), np.arange(25), RECIPE)
    assert [len(labels) for _, labels in training_batches(dataset, 10, 0, seed=0)] == [10, 10]


def test_training_balances_by_the_chosen_slices():
    store = made_store(count=400)
    chosen = np.flatnonzero((np.arange(400) % 4 > 0) | (np.arange(400) % 40 == 0))
    assert store.labels[chosen, 0].mean() < 0.05
    labels = torch.cat([labels for _, labels in training_batches(SliceDataset(store, chosen, RECIPE), 10, 0, seed=0)])
    assert labels[:, 0].float().mean() == pytest.approx(0.5, abs=0.14)


def test_validation_sees_every_slice_once_in_order():
    store, chosen = made_store(), np.array([1, 8, 9, 20, 33])
    batches = list(validation_batches(SliceDataset(store, chosen, RECIPE), 2))
    assert [len(labels) for _, labels in batches] == [2, 2, 1]
    expected = torch.from_numpy(RECIPE.make_channels(store.slices_hu[chosen].astype(np.float32)))
    assert torch.equal(torch.cat([pixels for pixels, _ in batches]), expected)
    assert torch.equal(torch.cat([labels for _, labels in batches]), torch.from_numpy(store.labels[chosen]))

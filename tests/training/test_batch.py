import torch
from tiny import made_store, tiny_recipe

from ichnos.training.batch import Batch
from ichnos.training.batches import SliceDataset


def batch() -> Batch:
    return SliceDataset(made_store(), tiny_recipe().preprocessing).__getitems__([0, 1, 4])


def test_blood_and_brain_are_told_apart():
    made = batch()
    assert made.is_positive.tolist() == [True, False, True]
    assert made.bleed_masks.sum(dim=(1, 2)).tolist() == [4, 0, 4]
    assert made.brain_masks.all()
    assert len(made) == 3


def test_all_of_it_moves_to_another_device():
    moved = batch().to("meta")
    assert {tensor.device.type for tensor in vars(moved).values()} == {"meta"}
    assert isinstance(moved, Batch)


def test_a_slice_that_nobody_labelled_is_not_positive():
    made = batch()
    made.labels[0, 0] = -1
    assert made.is_positive.tolist() == [False, False, True]
    assert made.labels.dtype == torch.int8

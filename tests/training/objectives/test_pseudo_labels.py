import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from objectives import RECIPE, knowing_teacher
from tiny import made_store
from torch import nn

from ichnos.errors import TrainingError, UsageError
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives.pseudo_labels import PseudoLabels
from ichnos.training.pseudo_targets import write_pseudo_targets

SIZE = 32


@pytest.fixture
def store():
    made = made_store(size=SIZE)
    made.has_mask[20:] = False
    made.labels[38:] = -1
    return made


@pytest.fixture
def targets(store, tmp_path, monkeypatch):
    write_pseudo_targets(knowing_teacher(store, monkeypatch), store, tmp_path)
    return tmp_path


def batch_of(store, rows):
    return SliceDataset(store, RECIPE).__getitems__(rows)


class Fixed(nn.Module):
    """A network that has answered already; keeps what it was shown."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, pixels):
        self.pixels = pixels
        return self.logits[: len(pixels)] * 1


def logits_of(slices):
    return torch.randn(slices, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(2))


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def test_soft_targets_teach_by_both_losses_and_masks_by_dice(store, targets):
    batch, logits = batch_of(store, [0, 36]), logits_of(2)  # with a mask, and without
    objective = PseudoLabels(targets=targets, view="none", pseudo_weight=0.25)
    loss = objective.loss(Fixed(logits), batch, torch.Generator())
    mask = ((store.marks[[0, 36]] & 63) > 0).astype(float)
    soft = np.rint(255 * 0.5 * mask[1]) / 255  # the teacher's map is its threshold where there is blood

    def dice(p, t):
        return 1 - (2 * (p * t).sum() + 1) / ((p**2).sum() + (t**2).sum() + 1)

    p = sigmoid(logits[:, 0].numpy().astype(float))
    entropy = -(soft * np.log(p[1]) + (1 - soft) * np.log(1 - p[1])).mean()
    expected = (dice(p[0], mask[0]) + 0.25 * (dice(p[1], soft) + entropy) / 2) / 1.25
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_targets_and_masks_move_with_the_slices(store, targets):
    """Where slices are moved, a network that is right about the moved slice has the least loss."""
    batch = batch_of(store, [0, 36])
    batch.pixels[:] = batch.bleed_masks[:, None].float()  # a picture of the blood itself
    view = {"rotation_degrees": 40, "scale": 0.2, "shift": 0.2, "flip": 0.5, "noise": 0}
    objective = PseudoLabels(targets=targets, view=view)

    class Seeing(nn.Module):
        def forward(self, pixels):
            return torch.where(pixels > 0.5, 12.0, -12.0)

    class Still(nn.Module):
        def forward(self, pixels):
            return torch.where(batch.pixels > 0.5, 12.0, -12.0)

    seeing, still = (
        np.mean([objective.loss(one, batch, torch.Generator().manual_seed(seed)).item() for seed in range(8)])
        for one in (Seeing(), Still())
    )
    assert seeing < 0.5 * still


def test_a_teacher_that_draws_the_masks_teaches_the_masks(store, targets):
    batch = batch_of(store, [36])
    blood = ((store.marks[[36]] & 63) > 0)[:, None]
    right = PseudoLabels(targets=targets, view="none").loss(
        Fixed(torch.where(torch.from_numpy(blood), 0.0, -12.0)), batch, torch.Generator()
    )
    wrong = PseudoLabels(targets=targets, view="none").loss(
        Fixed(torch.full((1, 1, SIZE, SIZE), -12.0)), batch, torch.Generator()
    )
    assert right < wrong


def test_real_masks_are_used_where_there_are_and_none_where_not(store, targets):
    rows, logits = [36], logits_of(1)
    objective = PseudoLabels(targets=targets, view="none")
    batch = batch_of(store, rows)
    hidden = replace(batch, marks=torch.zeros_like(batch.marks))
    losses = [objective.loss(Fixed(logits), one, torch.Generator()).item() for one in (batch, hidden)]
    assert losses[0] == losses[1], "marks of slices without has_mask say nothing"
    shown = replace(hidden, has_mask=torch.ones(1, dtype=torch.bool))
    assert objective.loss(Fixed(logits), shown, torch.Generator()).item() != losses[0]


@torch.no_grad()
def test_masks_can_be_left_unused(store, targets, tmp_path_factory, monkeypatch):
    objective = PseudoLabels(targets=targets, view="none", uses_masks=False)
    batch = batch_of(store, [0])
    hidden = replace(batch, marks=torch.zeros_like(batch.marks))
    for answer in (objective.loss, lambda *given: objective.measure(*given)["loss"].sum()):
        first, second = (answer(Fixed(logits_of(1)), one, torch.Generator()).item() for one in (batch, hidden))
        assert first == second
    blind = tmp_path_factory.mktemp("blind")
    write_pseudo_targets(knowing_teacher(store, monkeypatch, seen=0.1), store, blind)
    unseen = PseudoLabels(targets=blind, uses_masks=False).draw_rows(store, np.arange(40), 0, torch.Generator())
    assert not store.is_positive[unseen].any()


def test_only_slices_with_a_target_or_a_mask_are_drawn(store, tmp_path, monkeypatch):
    write_pseudo_targets(knowing_teacher(store, monkeypatch, seen=0.1), store, tmp_path)  # below its gate
    objective = PseudoLabels(targets=tmp_path, normals_per_bleed=1.0)
    drawn = objective.draw_rows(store, np.arange(40), 0, torch.Generator())
    bleeding = drawn[store.is_positive[drawn]]
    np.testing.assert_array_equal(np.sort(bleeding), [0, 4, 8, 12, 16])
    assert len(drawn) == 10
    assert drawn.max() < 38


def test_a_teacher_that_saw_nothing_is_refused(store, tmp_path, monkeypatch):
    write_pseudo_targets(knowing_teacher(store, monkeypatch, seen=0.1), store, tmp_path)
    with pytest.raises(TrainingError, match=r"of 20 training slices 13 have a target or a mask, none of them with"):
        PseudoLabels(targets=tmp_path).check(store, np.arange(20, 40))


def test_targets_of_another_store_are_refused(store, targets):
    with pytest.raises(UsageError, match=r"made for another store \(40 slices, here 20\)"):
        PseudoLabels(targets=targets).check(made_store(count=20, size=SIZE), np.arange(20))


def test_missing_targets_are_told(tmp_path, store):
    with pytest.raises(UsageError, match="holds no finished pseudo-targets"):
        PseudoLabels(targets=tmp_path / "nowhere").check(store, np.arange(40))


@torch.no_grad()
def test_validation_needs_no_mask_and_tells_dice_where_there_is_one(store, targets):
    objective = PseudoLabels(targets=targets)
    without = objective.measure(Fixed(logits_of(3)), batch_of(store, [28, 36, 39]), torch.Generator())
    assert len(without["loss"]) == 2, "nobody labelled the last, so there is no target"
    assert objective.summarise(without).keys() == {"loss"}
    with_mask = objective.measure(Fixed(logits_of(2)), batch_of(store, [0, 36]), torch.Generator())
    assert len(with_mask["hits"]) == 1
    assert math.isfinite(objective.summarise(with_mask)["dice"])
    nothing = objective.measure(Fixed(logits_of(1)), batch_of(store, [39]), torch.Generator())
    with pytest.raises(TrainingError, match="no validation slice has a pseudo-target"):
        objective.summarise(nothing)

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tiny import made_store, tiny_recipe
from torch import nn

from ichnos.errors import TrainingError
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives.slice_labels import SliceLabels, balanced_cross_entropy


def by_hand(logits, is_bleed):
    """Mean of log-sum-exp minus the logit of the true class."""
    losses = [
        math.log(math.exp(none) + math.exp(bleed)) - (bleed if label else none)
        for (none, bleed), label in zip(logits, is_bleed, strict=True)
    ]
    return sum(losses) / len(losses)


LOGITS = [[0.0, 0.0], [2.0, -1.0], [-0.5, 3.0], [1.5, 1.0]]
BLEEDS = [True, False, False, True]


class Fixed(nn.Module):
    """A network that has answered already."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, pixels):
        return self.logits * 1


def batch_of(is_bleed, subtypes=0):
    made = SliceDataset(made_store(), tiny_recipe().preprocessing).__getitems__(range(len(is_bleed)))
    made.labels[:] = subtypes
    made.labels[:, 0] = torch.tensor(is_bleed)
    return made


def loss_of(model, is_bleed, subtypes=0):
    return SliceLabels().loss(model, batch_of(is_bleed, subtypes), torch.Generator())


def draw(store, chosen=None, epoch=0, seed=0, **settings):
    chosen = np.arange(len(store)) if chosen is None else chosen
    return SliceLabels(**settings).draw_rows(store, chosen, epoch, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("subtypes", [0, 1, -1])
def test_it_is_cross_entropy_of_the_any_label_alone(subtypes):
    assert loss_of(Fixed(LOGITS), BLEEDS, subtypes).item() == pytest.approx(by_hand(LOGITS, BLEEDS), rel=1e-6)


def test_logits_enter_without_a_softmax_of_their_own():
    confident = loss_of(Fixed([[-20.0, 20.0]]), [True])
    assert confident.item() == pytest.approx(0.0, abs=1e-6)  # a second softmax would leave 0.31


def test_its_gradient_is_probability_minus_label():
    model = Fixed(LOGITS)
    loss_of(model, BLEEDS).backward()
    target = torch.tensor([[0.0, 1.0] if label else [1.0, 0.0] for label in BLEEDS])
    expected = (torch.softmax(model.logits.detach(), dim=1) - target) / len(BLEEDS)
    torch.testing.assert_close(model.logits.grad, expected)


def test_huge_logits_stay_finite():
    assert torch.isfinite(loss_of(Fixed([[-1e4, 1e4]]), [False]))


def test_balanced_both_labels_weigh_the_same():
    logits, bleeds = [*LOGITS, [3.0, 0.0], [2.0, 0.5]], [*BLEEDS, False, False]
    positive = [row for row, label in zip(logits, bleeds, strict=True) if label]
    negative = [row for row, label in zip(logits, bleeds, strict=True) if not label]
    expected = (by_hand(positive, [True] * 2) + by_hand(negative, [False] * 4)) / 2
    assert float(balanced_cross_entropy(torch.tensor(logits), torch.tensor(bleeds))) == pytest.approx(expected)


@pytest.mark.parametrize("label", [True, False])
def test_balanced_with_one_label_is_the_plain_mean(label):
    balanced = balanced_cross_entropy(torch.tensor(LOGITS), torch.tensor([label] * 4))
    assert float(balanced) == pytest.approx(by_hand(LOGITS, [label] * 4), rel=1e-6)


def test_validation_gives_the_balanced_loss_and_the_area_under_the_curve():
    with torch.no_grad():
        measured = SliceLabels().measure(Fixed(LOGITS), batch_of(BLEEDS), torch.Generator())
    figures = SliceLabels().summarise(measured)
    margins = [bleed - none for none, bleed in LOGITS]
    pairs = [(p, n) for p, b in zip(margins, BLEEDS, strict=True) if b for n in np.array(margins)[~np.array(BLEEDS)]]
    assert figures["auc"] == pytest.approx(np.mean([p > n for p, n in pairs]))
    assert figures["loss"] == pytest.approx(
        (by_hand(LOGITS[::3], [True] * 2) + by_hand(LOGITS[1:3], [False] * 2)) / 2, rel=1e-6
    )


def test_both_labels_are_drawn_equally_often():
    store = made_store(count=100)
    store.labels[:, 0] = np.arange(100) % 10 == 0
    drawn = np.concatenate([draw(store, seed=seed) for seed in range(40)])
    assert len(drawn) == 4000
    assert store.is_positive[drawn].mean() == pytest.approx(0.5, abs=0.04)  # 5 standard deviations
    counts = np.bincount(drawn, minlength=100)
    assert counts[store.is_positive].mean() == pytest.approx(9 * counts[~store.is_positive].mean(), rel=0.15)
    assert counts.min() > 0, "every slice has its chance"


def test_only_chosen_slices_are_drawn():
    store, chosen = made_store(), np.array([4, 9, 22])
    assert set(draw(store, chosen)) <= set(chosen)


def test_the_first_epochs_leave_out_bleeds_that_are_not_obvious():
    store = made_store(count=3000)
    store.labels[:, 0] = np.arange(3000) % 3 == 0
    store.is_obvious[:] = np.arange(3000) % 6 == 0
    for epoch, subtle_expected in ((0, False), (1, False), (2, True)):
        drawn = draw(store, epoch=epoch, seed=epoch, obvious_epochs=2)
        assert (store.is_positive & ~store.is_obvious)[drawn].any() == subtle_expected
        assert (~store.is_positive)[drawn].any()
        assert store.is_positive[drawn].mean() == pytest.approx(0.5, abs=0.05)  # 5 standard deviations
        assert len(drawn) == 3000


def test_without_an_obvious_bleed_all_are_drawn_from_the_start():
    store = made_store(count=20)
    store.is_obvious[:] = False
    assert store.is_positive[draw(store, obvious_epochs=3)].any()


@pytest.mark.parametrize("label", [0, 1])
def test_slices_of_one_kind_are_refused(label):
    store = made_store()
    store.labels[:, 0] = label
    with pytest.raises(
        TrainingError, match=rf"^{5 * label} of 5 labelled training slices hold a bleed; both kinds are needed"
    ):
        SliceLabels().check(store, np.arange(5))


def test_a_slice_that_nobody_labelled_is_neither_drawn_nor_measured():
    store = made_store()
    store.labels[10:, 0] = -1
    assert draw(store).max() < 10
    assert len(draw(store)) == 10
    batch = batch_of([1, 0])
    batch.labels[1, 0] = -1
    measured = SliceLabels().measure(Fixed(LOGITS[:2]), batch, torch.Generator())
    assert measured["is_positive"].tolist() == [True]
    batch.labels[0, 0] = -1
    with pytest.raises(TrainingError, match="no validation slice is labelled"):
        SliceLabels().summarise(SliceLabels().measure(Fixed(LOGITS[:2]), batch, torch.Generator()))


def test_the_reference_takes_the_softmax_twice():
    model = Fixed([[-20.0, 20.0]])
    loss = SliceLabels(double_softmax=True).loss(model, batch_of([True]), torch.Generator())
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-1)), rel=1e-5)  # 0.313, its least


def test_the_reference_validates_by_the_same_loss_at_natural_frequency():
    measured = {"logits": torch.tensor([[-20.0, 20.0], [20.0, -20.0], [-20.0, 20.0]])}
    measured["is_positive"] = torch.tensor([True, False, False])
    least, most = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))
    figures = SliceLabels(double_softmax=True).summarise(measured)
    assert figures["loss"] == pytest.approx((2 * least + most) / 3, rel=1e-5)
    assert SliceLabels().summarise(measured)["loss"] == pytest.approx((0 + 20) / 2, rel=1e-5)
    assert figures["auc"] == 0.75


def test_the_reference_draws_without_replacement():
    store, chosen = made_store(), np.arange(40)
    drawn = SliceLabels(sampling="depleting").draw_rows(store, chosen, 0, torch.Generator().manual_seed(0))
    assert len(np.unique(drawn)) == len(drawn) == 20
    with pytest.raises(ValidationError, match="obvious_epochs belongs to sampling = 'balanced'"):
        SliceLabels(sampling="depleting", obvious_epochs=1)

import math

import pytest
import torch

from ichnos.training.objectives.slice_labels import balanced_slice_label_loss, slice_label_loss


def by_hand(logits, is_bleed):
    """Mean of log-sum-exp minus the logit of the true class."""
    losses = [
        math.log(math.exp(none) + math.exp(bleed)) - (bleed if label else none)
        for (none, bleed), label in zip(logits, is_bleed, strict=True)
    ]
    return sum(losses) / len(losses)


def labels_of(is_bleed, subtypes=False):
    labels = torch.full((len(is_bleed), 6), subtypes)
    labels[:, 0] = torch.tensor(is_bleed)
    return labels


LOGITS = [[0.0, 0.0], [2.0, -1.0], [-0.5, 3.0], [1.5, 1.0]]
BLEEDS = [True, False, False, True]


@pytest.mark.parametrize("subtypes", [False, True])
def test_it_is_cross_entropy_of_the_any_label_alone(subtypes):
    loss = slice_label_loss(torch.tensor(LOGITS), labels_of(BLEEDS, subtypes))
    assert float(loss) == pytest.approx(by_hand(LOGITS, BLEEDS), rel=1e-6)


def test_logits_enter_without_a_softmax_of_their_own():
    confident = slice_label_loss(torch.tensor([[-20.0, 20.0]]), labels_of([True]))
    assert float(confident) == pytest.approx(0.0, abs=1e-6)  # a second softmax would leave 0.31


def test_its_gradient_is_probability_minus_label():
    logits = torch.tensor(LOGITS, requires_grad=True)
    slice_label_loss(logits, labels_of(BLEEDS)).backward()
    target = torch.tensor([[0.0, 1.0] if label else [1.0, 0.0] for label in BLEEDS])
    torch.testing.assert_close(logits.grad, (torch.softmax(logits.detach(), dim=1) - target) / len(BLEEDS))


def test_huge_logits_stay_finite():
    assert torch.isfinite(slice_label_loss(torch.tensor([[-1e4, 1e4]]), labels_of([False])))


def test_balanced_both_labels_weigh_the_same():
    logits, bleeds = [*LOGITS, [3.0, 0.0], [2.0, 0.5]], [*BLEEDS, False, False]
    positive = [row for row, label in zip(logits, bleeds, strict=True) if label]
    negative = [row for row, label in zip(logits, bleeds, strict=True) if not label]
    expected = (by_hand(positive, [True] * 2) + by_hand(negative, [False] * 4)) / 2
    assert float(balanced_slice_label_loss(torch.tensor(logits), labels_of(bleeds))) == pytest.approx(expected)


@pytest.mark.parametrize("label", [True, False])
def test_balanced_with_one_label_is_the_plain_mean(label):
    logits, labels = torch.tensor(LOGITS), labels_of([label] * 4)
    torch.testing.assert_close(balanced_slice_label_loss(logits, labels), slice_label_loss(logits, labels))

import math

import pytest
import torch
from monai.losses.focal_loss import FocalLoss

from ichnos.errors import TrainingError
from ichnos.training.losses.label_entropy import (
    count_positive_weights,
    double_softmax_loss,
    focal_loss,
    weighted_label_loss,
)

LOGITS = [[0.0, 2.0, -1.0], [3.0, -3.0, 0.5]]
LABELS = [[True, False, False], [True, True, False]]
NAMES = ("any", "epidural", "subdural")


def truths():
    """Probability that was given to each true label."""
    for row, labels in zip(LOGITS, LABELS, strict=True):
        for logit, label in zip(row, labels, strict=True):
            yield 1 / (1 + math.exp(-logit if label else logit))


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 3.5])
def test_focal_loss_by_hand(gamma):
    expected = sum(-((1 - p) ** gamma) * math.log(p) for p in truths()) / 6
    loss = focal_loss(torch.tensor(LOGITS), torch.tensor(LABELS), gamma=gamma)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("outputs", [1, 6])
def test_focal_loss_equals_monais_without_alpha(outputs):
    torch.manual_seed(0)
    logits, labels = torch.randn(9, outputs), torch.rand(9, outputs) < 0.4
    torch.testing.assert_close(focal_loss(logits, labels), FocalLoss(gamma=2.0)(logits, labels.float()))


def test_gamma_0_is_plain_cross_entropy():
    plain = torch.nn.functional.binary_cross_entropy_with_logits(torch.tensor(LOGITS), torch.tensor(LABELS).float())
    torch.testing.assert_close(focal_loss(torch.tensor(LOGITS), torch.tensor(LABELS), gamma=0.0), plain)


def test_positive_weights_are_negatives_per_positive():
    labels = torch.tensor([[1, 0, 1], [1, 0, 0], [1, 1, 0], [0, 0, 0]]).bool()
    assert count_positive_weights(labels, NAMES).tolist() == pytest.approx([1 / 3, 3.0, 3.0])


def test_the_papers_weights_come_out():
    """215,866 slices, half of them bleeding, 3,145 epidural: about 67.6."""
    labels = torch.zeros(215_866, 2, dtype=torch.bool)
    labels[:107_933, 0] = labels[:3_145, 1] = True
    weights = count_positive_weights(labels, ("any", "epidural")).tolist()
    assert weights[0] == 1.0
    assert round(weights[1], 1) == 67.6


def test_a_label_that_no_slice_has_is_refused_by_name():
    labels = torch.tensor([[1, 0, 0], [1, 0, 0]]).bool()
    with pytest.raises(TrainingError, match=r"^no training slice of 2 is labelled epidural, subdural, so"):
        count_positive_weights(labels, NAMES)


def test_weighted_labels_by_hand():
    weights = [1.0, 4.0, 0.5]
    expected = 0.0
    for number, p in enumerate(truths()):
        is_positive = LABELS[number // 3][number % 3]
        expected -= (weights[number % 3] if is_positive else 1.0) * math.log(p) / 6
    loss = weighted_label_loss(torch.tensor(LOGITS), torch.tensor(LABELS), torch.tensor(weights))
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_double_softmax_by_hand():
    first, second = (math.exp(value) / (math.exp(1.0) + math.exp(-1.0)) for value in (1.0, -1.0))
    expected = -math.log(math.exp(second) / (math.exp(first) + math.exp(second)))
    loss = double_softmax_loss(torch.tensor([[1.0, -1.0]]), torch.tensor([1]))
    assert float(loss) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("label", "limit"), [(0, 0.313), (1, 1.313)])
def test_double_softmax_stays_in_its_narrow_range(label, limit):
    loss = double_softmax_loss(torch.tensor([[50.0, -50.0]]), torch.tensor([label]))
    assert float(loss) == pytest.approx(limit, abs=5e-4)


def weighted(logits, labels):
    return weighted_label_loss(logits, labels, torch.full((2,), 67.6))


def doubled(logits, labels):
    return double_softmax_loss(logits, labels[:, 0].long())


@pytest.mark.parametrize("loss", [focal_loss, weighted, doubled])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("label", [True, False])
@pytest.mark.parametrize("size", [0.0, 50.0, -50.0, 1e4])
def test_loss_and_gradient_are_finite(loss, dtype, label, size):
    logits = torch.full((3, 2), size, dtype=dtype, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype != torch.float32):
        value = loss(logits, torch.full((3, 2), label))
    value.backward()
    assert value.dtype == torch.float32
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_the_gradient_of_a_certain_truth_is_finite_for_every_gamma(gamma):
    logits = torch.tensor([[200.0]], requires_grad=True)
    focal_loss(logits, torch.tensor([[True]]), gamma=gamma).backward()
    assert torch.isfinite(logits.grad).all()

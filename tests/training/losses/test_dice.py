import math

import pytest
import torch
from monai.losses.dice import DiceLoss

from ichnos.training.losses.dice import dice_cross_entropy_loss, label_dice_loss, soft_dice_loss


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def dice_by_hand(logits, targets, epsilon):
    """Equation 4 with an epsilon, on flat lists."""
    probabilities = [sigmoid(value) for value in logits]
    shared = sum(p * t for p, t in zip(probabilities, targets, strict=True))
    total = sum(p * p for p in probabilities) + sum(t * t for t in targets)
    return (2 * shared + epsilon) / (total + epsilon)


LOGITS = [[0.0, 2.0, -1.0, 0.5], [3.0, -3.0, 0.0, 1.0], [-2.0, 0.0, 0.0, -1.0]]
MASKS = [[1, 1, 0, 0], [1, 0, 0, 1], [0, 0, 0, 0]]


def slices_of(values):
    """Three slices of 2 x 2."""
    return torch.tensor(values).reshape(3, 2, 2)


@pytest.mark.parametrize("epsilon", [1.0, 0.25])
def test_soft_dice_by_hand(epsilon):
    expected = sum(1 - dice_by_hand(*pair, epsilon) for pair in zip(LOGITS, MASKS, strict=True)) / 3
    loss = soft_dice_loss(slices_of(LOGITS)[:, None], slices_of(MASKS).bool(), epsilon=epsilon)
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_soft_dice_in_round_numbers():
    """Half a pixel's probability everywhere, two of four pixels true: 1 - (2 + 1) / (1 + 2 + 1)."""
    loss = soft_dice_loss(torch.zeros(1, 1, 2, 2), torch.tensor([[[True, True], [False, False]]]))
    assert float(loss) == pytest.approx(1 / 4)


def test_soft_dice_equals_monais_with_squared_denominator():
    torch.manual_seed(0)
    logits, masks = torch.randn(4, 1, 5, 6), torch.rand(4, 5, 6) < 0.3
    monai = DiceLoss(sigmoid=True, squared_pred=True, smooth_nr=1.0, smooth_dr=1.0)
    torch.testing.assert_close(soft_dice_loss(logits, masks), monai(logits, masks[:, None].float()))


def test_empty_slices_have_their_weight():
    each = [1 - dice_by_hand(*pair, 1.0) for pair in zip(LOGITS, MASKS, strict=True)]
    loss = soft_dice_loss(slices_of(LOGITS)[:, None], slices_of(MASKS).bool(), empty_weight=0.2)
    assert float(loss) == pytest.approx((each[0] + each[1] + 0.2 * each[2]) / 3, rel=1e-6)


def test_without_epsilon_empty_slices_teach_nothing_and_with_it_they_do():
    gradients = []
    for epsilon in (0.0, 1.0):
        logits = torch.tensor([[[[1.0, -1.0], [0.5, 2.0]]]], requires_grad=True)
        loss = soft_dice_loss(logits, torch.zeros(1, 2, 2, dtype=torch.bool), epsilon=epsilon)
        loss.backward()
        gradients.append(logits.grad)
    assert torch.equal(gradients[0], torch.zeros(1, 1, 2, 2))
    assert (gradients[1] > 0).all(), "less bleed is better"


def test_soft_targets_are_taken():
    targets = [0.5, 1.0, 0.0, 0.25]
    loss = soft_dice_loss(torch.tensor(LOGITS[:1]).reshape(1, 1, 2, 2), torch.tensor(targets).reshape(1, 2, 2))
    assert float(loss) == pytest.approx(1 - dice_by_hand(LOGITS[0], targets, 1.0), rel=1e-6)


def test_label_dice_by_hand():
    logits = [[0.3, -2.0, 1.0, 4.0, -0.5, 0.0, 2.0], [-1.0, 1.0, 0.0, 0.0, 3.0, -4.0, 0.2]]
    labels = [[0, 1, 0, 1, 0, 0, 1], [1, 0, 0, 0, 0, 0, 0]]
    expected = sum(1 - dice_by_hand(*pair, 1.0) for pair in zip(logits, labels, strict=True)) / 2
    loss = label_dice_loss(torch.tensor(logits), torch.tensor(labels).bool())
    assert float(loss) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("epsilon", [1.0, 1e-10])
def test_dice_and_cross_entropy_by_hand(epsilon):
    """One slice of two pixels: logits (0, 0) and (1, 3), the second bleeds."""
    bleed = [0.5, sigmoid(2.0)]
    none = [1 - p for p in bleed]
    cross_entropy = -(math.log(none[0]) + math.log(bleed[1])) / 2
    dice_bleed = (2 * bleed[1] + epsilon) / (sum(bleed) + 1 + epsilon)
    dice_none = (2 * none[0] + epsilon) / (sum(none) + 1 + epsilon)
    logits = torch.tensor([[[[0.0, 1.0]], [[0.0, 3.0]]]])
    loss = dice_cross_entropy_loss(logits, torch.tensor([[[False, True]]]), epsilon=epsilon)
    assert float(loss) == pytest.approx((cross_entropy + 1 - (dice_bleed + dice_none) / 2) / 2, rel=1e-6)


def test_dice_and_cross_entropy_equals_its_parts_from_elsewhere():
    torch.manual_seed(0)
    logits, masks = torch.randn(4, 2, 5, 6), torch.rand(4, 5, 6) < 0.3
    monai = DiceLoss(softmax=True, to_onehot_y=True, smooth_nr=1.0, smooth_dr=1.0)
    expected = (torch.nn.functional.cross_entropy(logits, masks.long()) + monai(logits, masks[:, None].long())) / 2
    torch.testing.assert_close(dice_cross_entropy_loss(logits, masks), expected)


def soft_dice(logits, masks):
    return soft_dice_loss(logits[:, :1], masks, empty_weight=0.2)


def label_dice(logits, masks):
    return label_dice_loss(logits[:, 0].flatten(1), masks.flatten(1))


@pytest.mark.parametrize("loss", [soft_dice, label_dice, dice_cross_entropy_loss])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("is_bleed", [True, False])
@pytest.mark.parametrize("size", [0.0, 50.0, -50.0, 1e4])
def test_loss_and_gradient_are_finite_on_empty_and_full_masks(loss, dtype, is_bleed, size):
    """At 64 x 64 a float16 sum of squares would leave its range when multiplied by a scale."""
    logits = torch.full((2, 2, 64, 64), size, dtype=dtype, requires_grad=True)
    masks = torch.full((2, 64, 64), is_bleed)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype != torch.float32):
        value = loss(logits, masks)
    (value * 1024).backward()
    assert value.dtype == torch.float32
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("loss", [soft_dice, label_dice, dice_cross_entropy_loss])
def test_the_truth_costs_nothing_and_its_opposite_all(loss):
    masks = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0)) < 0.5
    logits = (masks.float() * 2 - 1) * 30
    right, wrong = torch.stack([logits, logits], 1), torch.stack([-logits, -logits], 1)
    if loss is dice_cross_entropy_loss:
        right, wrong = torch.stack([-logits, logits], 1), torch.stack([logits, -logits], 1)
    assert float(loss(right, masks)) == pytest.approx(0.0, abs=1e-6)
    assert float(loss(wrong, masks)) > 0.95

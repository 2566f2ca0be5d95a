import math

import pytest
import torch

from ichnos.errors import UsageError
from ichnos.training.objectives.pixels import (
    count_pixels,
    summarise_pixels,
    take_classes,
    to_one_logit,
    to_two_logits,
)


def test_one_logit_and_two_say_the_same_probability():
    two = torch.randn(3, 2, 4, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(torch.sigmoid(to_one_logit(two))[:, 0], torch.softmax(two, dim=1)[:, 1])
    one = two[:, :1]
    torch.testing.assert_close(torch.softmax(to_two_logits(one), dim=1)[:, 1], torch.sigmoid(one)[:, 0])
    assert to_one_logit(one) is one
    assert to_two_logits(two) is two


@pytest.mark.parametrize("shape", [(2, 2), (2, 3, 8, 8), (2, 1, 8, 8)])
def test_other_outputs_are_refused(shape):
    with pytest.raises(UsageError, match=r"not 2 for each pixel; set objective\.classes"):
        take_classes(torch.zeros(shape), 2)
    assert take_classes(torch.zeros(2, 2, 8, 8), 2).shape == (2, 2, 8, 8)


def masks(*slices):
    return torch.tensor(slices, dtype=torch.bool)


def test_dice_is_pooled_and_averaged_over_bleeding_slices():
    predicted = masks([[1, 1], [0, 0]], [[0, 0], [0, 1]], [[1, 0], [0, 0]])
    labelled = masks([[1, 0], [1, 0]], [[0, 0], [0, 0]], [[1, 0], [0, 0]])
    counts = count_pixels(predicted, labelled)
    assert {name: value.tolist() for name, value in counts.items()} == {
        "hits": [1, 0, 1],
        "predicted": [2, 1, 1],
        "labelled": [2, 0, 1],
    }
    figures = summarise_pixels(counts)
    assert figures["dice"] == pytest.approx(2 * 2 / (4 + 3))
    assert figures["slice_dice"] == pytest.approx((0.5 + 1.0) / 2), "the second slice holds no blood"


def test_nothing_labelled_and_nothing_predicted_is_no_number():
    nothing = masks([[0, 0]])
    figures = summarise_pixels(count_pixels(nothing, nothing))
    assert math.isnan(figures["dice"])
    assert math.isnan(figures["slice_dice"])

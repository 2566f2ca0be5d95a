import pytest
import torch

from ichnos.errors import UsageError
from ichnos.models.outputs import find_bleed_output, find_output, name_outputs, to_probabilities


@pytest.mark.parametrize(("count", "bleed"), [(1, 0), (2, 1), (6, 5)])
def test_the_first_papers_networks_are_known(count: int, bleed: int) -> None:
    labels = name_outputs(count)
    assert len(labels) == count
    assert find_bleed_output(labels) == bleed


def test_other_networks_have_numbers() -> None:
    assert name_outputs(3) == ("output 0", "output 1", "output 2")
    with pytest.raises(UsageError, match="no output stands for a bleed; there are: output 0, output 1, output 2"):
        find_bleed_output(name_outputs(3))


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    assert find_output(name_outputs(6), "subdural") == 4
    with pytest.raises(UsageError, match=r"no output is called 'subdual'; did you mean 'subdural'\? there"):
        find_output(name_outputs(6), "subdual")


def test_exclusive_labels_share_their_probability_and_others_do_not() -> None:
    logits = torch.tensor([[0.0, 1.0]])
    torch.testing.assert_close(to_probabilities(logits, name_outputs(2)), logits.softmax(1))
    torch.testing.assert_close(to_probabilities(logits[:, :1], name_outputs(1)), torch.tensor([[0.5]]))
    torch.testing.assert_close(to_probabilities(logits, ("subdural", "any")), logits.sigmoid())

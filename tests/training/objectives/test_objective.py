import pytest
from pydantic import ValidationError
from torch import nn

from ichnos.training.objectives.objective import Objective
from ichnos.training.objectives.slice_labels import SliceLabels


def test_a_strategy_that_answers_nothing_cannot_be_made():
    with pytest.raises(TypeError, match=r"abstract.*draw_rows"):
        Objective()


def test_settings_are_frozen_and_unknown_ones_refused():
    with pytest.raises(ValidationError, match="frozen"):
        SliceLabels().obvious_epochs = 3
    with pytest.raises(ValidationError, match="obvious_epoch"):
        SliceLabels(obvious_epoch=3)


def test_a_strategy_without_a_head_trains_the_network_itself():
    network = nn.Identity()
    assert SliceLabels().attach(network) is network

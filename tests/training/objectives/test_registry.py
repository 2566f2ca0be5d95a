import pytest

from ichnos.errors import UsageError
from ichnos.models.outputs import find_bleed_output
from ichnos.training.objectives.registry import OBJECTIVES, make_objective
from ichnos.training.objectives.slice_labels import SliceLabels


def test_an_objective_is_made_by_its_name_with_its_settings():
    objective = make_objective({"name": "slice-labels", "obvious_epochs": 4})
    assert objective == SliceLabels(obvious_epochs=4)


@pytest.mark.parametrize(
    ("settings", "pattern"),
    [
        ({"name": "slice-label"}, r"^no objective is called 'slice-label'; did you mean 'slice-labels'\?$"),
        ({}, r"^no objective is called None; there are: slice-labels"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(settings, pattern):
    with pytest.raises(UsageError, match=pattern):
        make_objective(settings)


def test_a_setting_of_the_wrong_kind_is_refused():
    with pytest.raises(UsageError, match=r"^objective.obvious_epochs = -1: Input should be greater"):
        make_objective({"name": "slice-labels", "obvious_epochs": -1})


@pytest.mark.parametrize("name", OBJECTIVES)
def test_outputs_say_which_one_means_a_bleed(name):
    needed = {"targets": "targets"} if name == "pseudo-labels" else {}
    outputs = make_objective({"name": name, **needed}).outputs
    if name == "cavity":
        assert outputs == ("brain",)
    else:
        assert not outputs or outputs[find_bleed_output(outputs)] in {"bleed", "any"}

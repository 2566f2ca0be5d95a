from tiny import tiny_recipe

from ichnos.training.description import LABELS, describe_training
from ichnos.training.objectives.registry import OBJECTIVES, make_objective


def described(name, **settings):
    recipe = tiny_recipe(objective={"name": name, **settings})
    return describe_training(recipe, make_objective(recipe.objective), (3, 2), {"epochs": 1.0})


def test_it_says_what_was_learned_from():
    told = described("slice-labels")
    assert told["labels"].startswith("one yes/no per slice")
    assert told["slices"] == {"training": 3, "validation": 2}
    assert "trained_parts" not in told


def test_a_pretext_says_which_parts_are_worth_moving():
    told = described("context-restoration")
    assert told["trained_parts"]
    assert told["labels"] == "those of the pretext task"


def test_every_objective_that_segments_says_its_labels():
    needed = {"pseudo-labels": {"targets": "targets"}}
    for name in OBJECTIVES:
        objective = make_objective({"name": name, **needed.get(name, {})})
        assert (name in LABELS) == bool(objective.outputs), name

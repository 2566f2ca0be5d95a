import numpy as np
from tiny import made_store, tiny_recipe

from ichnos.training.data import Slices
from ichnos.training.description import LABELS, describe_training
from ichnos.training.objectives.registry import OBJECTIVES, make_objective

SLICES = Slices(made_store(), np.arange(12)), Slices(made_store(), np.arange(12, 20))
"""Of three scans and of two, all of which bleed."""


def described(name, network="swin", **settings):
    recipe = tiny_recipe(network={"name": network}, objective={"name": name, **settings})
    return describe_training(recipe, make_objective(recipe.objective), SLICES, {"epochs": 1.0})


def test_it_says_what_was_learned_from():
    told = described("slice-labels")
    assert told["labels"].startswith("one yes/no per slice")
    assert told["slices"] == {"training": 12, "validation": 8}
    assert "trained_parts" not in told


def test_a_pretext_says_which_parts_are_worth_moving():
    told = described("context-restoration")
    assert told["trained_parts"]
    assert told["labels"] == "none"


def test_a_pretext_that_draws_by_label_does_not_claim_to_need_none():
    assert described("global-contrastive", sampling="equal")["labels"].startswith("none, but slices were drawn by")


def test_every_objective_says_its_labels():
    assert LABELS.keys() == OBJECTIVES.keys()


def test_masks_are_counted_wherever_they_were_used():
    told = described("supervised", "unet")
    assert told["masks"] == {"training": 3, "validation": 2, "threshold": 0}
    assert told["labels"] == "masks of 3 scans that bleed to train on and 2 to validate on"
    told = described("slice-labels")
    assert told["masks"] == {"training": 0, "validation": 0, "threshold": 2}
    assert told["labels"] == "one yes/no per slice; masks of 2 scans for the map threshold"


def test_the_cavity_is_not_said_to_be_learned_from_masks_of_bleed():
    assert described("cavity", "unet")["labels"] == "masks of the intracranial cavity"


def test_a_pretext_of_labels_uses_no_masks():
    told = described("multi-label-ce", "unet-classifier")
    assert set(told["masks"].values()) == {0}


def test_drawn_targets_may_go_without_masks():
    with_masks, without = (described("pseudo-labels", "unet", targets="t", uses_masks=uses) for uses in (True, False))
    assert with_masks["masks"]["training"] == 3
    assert set(without["masks"].values()) == {0}
    assert without["labels"] == "maps of a classifier that saw labels per slice"

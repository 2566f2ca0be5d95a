"""The recipes of both papers hold what the papers say, and every recipe's network fits its objective."""

import pytest
import torch

from ichnos.models.create import create_model
from ichnos.preprocessing.augmentation import AUGMENTATIONS
from ichnos.preprocessing.recipe import PRESETS
from ichnos.training.objectives.registry import OBJECTIVES, make_objective
from ichnos.training.recipe import list_recipes, load_recipe

PRETEXTS = {
    "context-restoration": 32,
    "global-contrastive": 60,
    "local-contrastive": 24,
    "binary-pretext": 64,
    "multi-label-ce": 64,
    "multi-label-dice": 64,
}
"""Batch sizes of Spahr et al. 2023, section 2.6."""

PARAMETERS = {
    "paper-unet-mixed": 5_409_089,
    "reference-unet-mixed": 7_765_409,
    "paper-light-unet": 1_204_994,
    "paper-hgi-sam": 86_880_634,
}

OUTPUTS = {"binary-pretext": 2, "multi-label-ce": 7, "multi-label-dice": 7}


def build(recipe):
    with torch.device("cpu" if recipe.network.name == "swin-unetr" else "meta"):  # MONAI's asks for values
        return create_model(recipe.network.name, recipe.network.arguments)


def parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("name", list_recipes())
def test_network_input_and_objective_of_a_recipe_fit(name):
    recipe = load_recipe(name)
    objective = make_objective(recipe.objective)
    arguments = getattr(build(recipe), "arguments", None)
    channels = arguments.channels if arguments else recipe.network.arguments.get("channels", 3)
    assert channels == len(recipe.preprocessing.hu_windows)
    outputs = arguments.outputs if arguments else recipe.network.arguments.get("outputs", 2)
    expected = len(objective.outputs) or OUTPUTS.get(recipe.objective["name"])
    assert expected in {None, outputs}
    if recipe.network.name == "swin":
        assert recipe.network.arguments["image_size"] == recipe.preprocessing.image_size
    if objective.makes_views:
        assert recipe.augmentation == AUGMENTATIONS["none"]


def test_every_strategy_has_a_recipe():
    assert {load_recipe(name).objective["name"] for name in list_recipes()} == set(OBJECTIVES)


@pytest.mark.parametrize(("name", "expected"), PARAMETERS.items())
def test_networks_have_the_size_that_is_told(name, expected):
    assert parameters(build(load_recipe(name))) == expected


@pytest.mark.parametrize(("pretext", "batch"), PRETEXTS.items())
def test_pretexts_are_trained_as_the_second_paper_says(pretext, batch):
    recipe = load_recipe(f"paper-{pretext}")
    settings = recipe.optimisation
    assert (settings.epochs, settings.batch_size, settings.optimizer, settings.learning_rate) == (
        50,
        batch,
        "adam",
        1e-3,
    )
    assert (settings.schedule, settings.decay, settings.weight_decay) == ("exponential", 0.96, 1e-6)
    assert (settings.patience, settings.keep, settings.clip_gradient) == (0, "last", 0.0)
    assert recipe.preprocessing.image_size == 256
    (window,) = recipe.preprocessing.hu_windows
    assert (window.level_hu - window.width_hu / 2, window.level_hu + window.width_hu / 2) == (-50, 150)


@pytest.mark.parametrize("scale", ["paper", "phantom"])
@pytest.mark.parametrize("pretext", PRETEXTS)
def test_what_a_pretext_learned_fits_the_network_that_is_fine_tuned(scale, pretext):
    source = build(load_recipe(f"{scale}-{pretext}")).state_dict()
    target = build(load_recipe(f"{scale}-unet-fine-tune")).state_dict()
    parts = make_objective({"name": pretext}).parts
    moved = [name for name in source if name in target and name.startswith(tuple(f"{part}." for part in parts))]
    assert moved
    assert all(source[name].shape == target[name].shape for name in moved)


@pytest.mark.parametrize("scale", ["paper", "phantom"])
def test_the_local_pretext_begins_with_the_encoder_of_the_global_one(scale):
    local, whole = (build(load_recipe(f"{scale}-{name}-contrastive")).state_dict() for name in ("local", "global"))
    encoder = {name: tensor.shape for name, tensor in whole.items() if name.startswith("encoder.")}
    assert encoder == {name: tensor.shape for name, tensor in local.items() if name.startswith("encoder.")}


def test_the_first_papers_classifiers_share_a_backbone():
    binary, fine = (build(load_recipe(name)).state_dict() for name in ("paper-sam-binary", "paper-hgi-sam"))
    differing = {name for name in fine if fine[name].shape != binary[name].shape}
    assert differing == {"transformer.classifier.weight", "transformer.classifier.bias"}
    assert load_recipe("paper-hgi-sam").start.parts == ("transformer.swin",)


def test_learning_rates_windows_and_augmentation_are_the_first_papers():
    for name, rate in {"paper-sam-binary": 1e-5, "paper-sam-multi": 1e-5, "paper-hgi-sam": 1e-6}.items():
        recipe = load_recipe(name)
        assert (recipe.optimisation.optimizer, recipe.optimisation.learning_rate) == ("adamw", rate)
        assert recipe.optimisation.patience == 3
        assert recipe.preprocessing == PRESETS["paper"]
        assert recipe.augmentation == AUGMENTATIONS["hgi-sam"]


def test_the_reference_has_the_quirks_of_the_released_code():
    recipe = load_recipe("reference-hgi-sam")
    assert recipe.objective == {"name": "slice-labels", "sampling": "depleting", "double_softmax": True}
    assert (recipe.optimisation.learning_rate, recipe.optimisation.head_learning_rate) == (1e-5, 1e-3)
    assert recipe.optimisation.head_epochs > 0
    assert recipe.augmentation == AUGMENTATIONS["hgi-sam-reference"]
    assert (recipe.preprocessing.resized_to, recipe.preprocessing.scaling) == (422, "slice")


def test_mixed_is_the_second_papers():
    recipe = load_recipe("paper-unet-mixed")
    assert recipe.objective == {"name": "supervised", "compare": "dice", "sampling": "mixed", "empty_weight": 0.2}
    assert (recipe.optimisation.epochs, recipe.optimisation.batch_size) == (100, 16)
    assert recipe.augmentation == AUGMENTATIONS["label-efficient"]
    fine = load_recipe("paper-unet-fine-tune")
    assert fine.objective == recipe.objective
    assert fine.optimisation == recipe.optimisation
    assert not fine.start.freeze

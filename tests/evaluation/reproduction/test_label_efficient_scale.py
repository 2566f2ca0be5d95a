import pytest

from ichnos.errors import UsageError
from ichnos.evaluation.reproduction.label_efficient_scale import (
    LABEL_EFFICIENT_SCALES,
    PRETEXTS,
    choose_label_efficient_scale,
)
from ichnos.training.recipe import TrainingRecipe


def list_recipes():
    for name in LABEL_EFFICIENT_SCALES:
        yield from list_of(name)


def list_of(name):
    scale = LABEL_EFFICIENT_SCALES[name]
    return [*scale.pretexts.values(), scale.ich_only, scale.mixed, scale.fine_tune]


@pytest.mark.parametrize("choice", list(list_recipes()), ids=lambda choice: choice.name)
def test_every_recipe_is_whole(choice):
    content = choice.content(seed=7)
    recipe = TrainingRecipe.model_validate(content)
    assert recipe.seed == 7
    assert recipe.data.phantoms is None
    assert recipe.model_dump(mode="json") == content


@pytest.mark.parametrize("name", ["phantom", "paper"])
def test_networks_share_a_grid(name):
    contents = [choice.content(0) for choice in list_of(name)]
    grids = {(one["preprocessing"]["image_size"], one["preprocessing"]["field_of_view_mm"]) for one in contents}
    assert len(grids) == 1


def test_only_the_small_one_is_smaller_and_says_how():
    assert LABEL_EFFICIENT_SCALES["phantom"].smaller
    assert not LABEL_EFFICIENT_SCALES["paper"].smaller


@pytest.mark.parametrize("name", ["phantom", "paper"])
def test_seeds_of_cohorts_do_not_meet(name):
    cohorts = (LABEL_EFFICIENT_SCALES[name].weak_phantoms, LABEL_EFFICIENT_SCALES[name].test_phantoms)
    weak, test = (set(range(one.first_seed, one.first_seed + one.count)) for one in cohorts)
    assert not weak & test


def test_a_wrong_name_gets_the_nearest():
    with pytest.raises(UsageError, match="phantom"):
        choose_label_efficient_scale("phantoms")


def test_pretexts_are_those_of_the_paper():
    assert len(PRETEXTS) == 6
    assert all(set(scale.pretexts) == set(PRETEXTS) for scale in LABEL_EFFICIENT_SCALES.values())


@pytest.mark.parametrize("name", ["phantom", "paper"])
def test_every_budget_has_its_epochs(name):
    scale = LABEL_EFFICIENT_SCALES[name]
    assert set(scale.budgets) == set(scale.budget_fits)
    assert set(scale.parts) == {"pool", "validation", "test"}

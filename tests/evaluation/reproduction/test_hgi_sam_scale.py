import pytest

from ichnos.errors import UsageError
from ichnos.evaluation.reproduction.hgi_sam_scale import HGI_SAM_SCALES, choose_hgi_sam_scale
from ichnos.training.recipe import TrainingRecipe


def list_recipes():
    for scale in HGI_SAM_SCALES.values():
        yield from scale.recipes.values()


@pytest.mark.parametrize("choice", list(list_recipes()), ids=lambda choice: choice.name)
def test_every_recipe_is_whole(choice):
    content = choice.content(seed=7)
    recipe = TrainingRecipe.model_validate(content)
    assert recipe.seed == 7
    assert recipe.data.phantoms is None
    assert recipe.model_dump(mode="json") == content


@pytest.mark.parametrize("name", ["phantom", "paper"])
def test_networks_share_a_grid(name):
    contents = [choice.content(0) for choice in HGI_SAM_SCALES[name].recipes.values()]
    grids = {(one["preprocessing"]["image_size"], one["preprocessing"]["field_of_view_mm"]) for one in contents}
    assert len(grids) == 1


def test_only_the_small_one_is_smaller_and_says_how():
    assert HGI_SAM_SCALES["phantom"].smaller
    assert not HGI_SAM_SCALES["paper"].smaller


@pytest.mark.parametrize("name", ["phantom", "paper"])
def test_seeds_of_cohorts_do_not_meet(name):
    cohorts = (HGI_SAM_SCALES[name].weak_phantoms, HGI_SAM_SCALES[name].test_phantoms)
    weak, test = (set(range(one.first_seed, one.first_seed + one.count)) for one in cohorts)
    assert not weak & test


def test_a_wrong_name_gets_the_nearest():
    with pytest.raises(UsageError, match="phantom"):
        choose_hgi_sam_scale("phantoms")

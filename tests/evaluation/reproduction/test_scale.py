import pytest

from ichnos.errors import UsageError
from ichnos.evaluation.reproduction.scale import (
    HGI_SAM_SCALES,
    LABEL_EFFICIENT_SCALES,
    PRETEXTS,
    Collection,
    RecipeChoice,
    choose_data,
    choose_hgi_sam_scale,
    choose_label_efficient_scale,
    merge,
)
from ichnos.training.recipe import TrainingRecipe


def list_recipes():
    for scale in HGI_SAM_SCALES.values():
        yield from scale.recipes.values()
    for scale in LABEL_EFFICIENT_SCALES.values():
        yield from (*scale.pretexts.values(), scale.ich_only, scale.mixed, scale.fine_tune)


@pytest.mark.parametrize("choice", list(list_recipes()), ids=lambda choice: choice.name)
def test_every_recipe_of_a_scale_is_whole(choice):
    content = choice.content(seed=7)
    recipe = TrainingRecipe.model_validate(content)
    assert recipe.seed == 7
    assert recipe.data.phantoms is None
    assert TrainingRecipe.model_validate(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize("name", ["phantom", "paper"])
def test_networks_of_an_experiment_share_a_grid(name):
    def grids(choices):
        return {
            (one["preprocessing"]["image_size"], one["preprocessing"]["field_of_view_mm"])
            for one in (choice.content(0) for choice in choices)
        }

    assert len(grids(HGI_SAM_SCALES[name].recipes.values())) == 1
    scale = LABEL_EFFICIENT_SCALES[name]
    assert len(grids([*scale.pretexts.values(), scale.ich_only, scale.mixed, scale.fine_tune])) == 1


def test_only_phantom_scale_is_smaller_and_says_how():
    for scales in (HGI_SAM_SCALES, LABEL_EFFICIENT_SCALES):
        assert scales["phantom"].smaller
        assert not scales["paper"].smaller
        assert scales["phantom"].weak_phantoms.first_seed != scales["phantom"].test_phantoms.first_seed


def test_seeds_of_cohorts_do_not_meet():
    for scales in (HGI_SAM_SCALES, LABEL_EFFICIENT_SCALES):
        for scale in scales.values():
            weak, test = (
                set(range(one.first_seed, one.first_seed + one.count))
                for one in (scale.weak_phantoms, scale.test_phantoms)
            )
            assert not weak & test


def test_merging_goes_into_tables_and_replaces_the_rest():
    assert merge({"a": {"b": [1], "c": 2}, "d": 1}, {"a": {"b": [2]}, "d": None}) == {
        "a": {"b": [2], "c": 2},
        "d": None,
    }


def test_wrong_names_get_the_nearest():
    with pytest.raises(UsageError, match="phantom"):
        choose_hgi_sam_scale("phantoms")
    with pytest.raises(UsageError, match="paper"):
        choose_label_efficient_scale("papers")
    with pytest.raises(UsageError, match="no recipe is called"):
        RecipeChoice("phantom-nothing").content(0)


def test_data_are_phantoms_or_a_folder_with_the_collections(tmp_path):
    scale = HGI_SAM_SCALES["phantom"]
    assert choose_data("phantom", scale).measured_on == "phantoms"
    with pytest.raises(UsageError, match="no folder rsna-2019 and no folder physionet-ct-ich"):
        choose_data(str(tmp_path), scale)
    (tmp_path / "rsna-2019").mkdir()
    (tmp_path / "physionet-ct-ich").mkdir()
    data = choose_data(str(tmp_path), scale)
    assert data.weak == Collection("rsna-2019", tmp_path / "rsna-2019")
    assert data.measured_on == "PhysioNet ct-ich"


def test_pretexts_are_those_of_the_paper():
    assert len(PRETEXTS) == 6
    assert all(set(scale.pretexts) == set(PRETEXTS) for scale in LABEL_EFFICIENT_SCALES.values())

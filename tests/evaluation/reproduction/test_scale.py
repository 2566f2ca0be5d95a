import pytest

from ichnos.errors import UsageError
from ichnos.evaluation.reproduction.hgi_sam_scale import HGI_SAM_SCALES
from ichnos.evaluation.reproduction.scale import Collection, RecipeChoice, choose_data, merge
from ichnos.training.recipe import TrainingRecipe


def test_merging_goes_into_tables_and_replaces_the_rest():
    assert merge({"a": {"b": [1], "c": 2}, "d": 1}, {"a": {"b": [2]}, "d": None}) == {
        "a": {"b": [2], "c": 2},
        "d": None,
    }


def test_a_recipe_is_changed_and_gets_its_data_later():
    content = RecipeChoice(
        "phantom-unet", {"optimisation": {"epochs": 3}, "data": {"validation_fraction": 0.2}}
    ).content(7)
    recipe = TrainingRecipe.model_validate(content)
    assert (recipe.seed, recipe.optimisation.epochs, recipe.data.validation_fraction) == (7, 3, 0.2)
    assert recipe.data.phantoms is None
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

import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from tiny import tiny_recipe

from ichnos.errors import UsageError
from ichnos.training.recipe import TrainingRecipe, list_recipes, load_recipe

SMALL = """
seed = 7
[data]
phantoms = 10
settings = { slices = 6 }
[network]
name = "swin"
[network.arguments]
image_size = 32
[preprocessing]
hu_windows = [{ level_hu = 40, width_hu = 80 }]
image_size = 32
[optimisation]
epochs = 2
"""


@pytest.fixture
def written(tmp_path):
    """Write a recipe; returns its path as a name."""

    def write(text=SMALL):
        path = tmp_path / "my.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def refused(name, pattern, changes=()):
    with pytest.raises(UsageError, match=pattern) as caught:
        load_recipe(name, changes)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_of_the_package_is_valid(name):
    recipe = load_recipe(name)
    assert (
        recipe.network.arguments.get("image_size", recipe.preprocessing.image_size) == recipe.preprocessing.image_size
    )


def test_the_demo_recipe_is_in_the_package():
    assert "phantom-demo" in list_recipes()
    assert list_recipes() == sorted(list_recipes())


def test_a_file_is_read_by_its_path(written):
    recipe = load_recipe(written())
    assert (recipe.seed, recipe.data.phantoms, recipe.data.settings.slices) == (7, 10, 6)
    assert recipe.optimisation.batch_size == 64, "what is not said is as by default"


def test_a_recipe_survives_its_own_plain_values(written):
    recipe = load_recipe(written())
    assert TrainingRecipe.model_validate(recipe.model_dump(mode="json")) == recipe


def test_a_recipe_is_frozen(written):
    with pytest.raises(ValidationError):
        load_recipe(written()).seed = 1


def test_test_seeds_follow_the_others_and_share_none():
    data = tiny_recipe(data={"phantoms": 5, "first_seed": 100, "test_phantoms": 3}).data
    assert list(data.seeds) == [100, 101, 102, 103, 104]
    assert list(data.test_seeds) == [105, 106, 107]


@pytest.mark.parametrize(
    ("change", "get", "value"),
    [
        ("seed=3", lambda recipe: recipe.seed, 3),
        ("optimisation.epochs=9", lambda recipe: recipe.optimisation.epochs, 9),
        ("optimisation.epochs = 9", lambda recipe: recipe.optimisation.epochs, 9),
        ("optimisation.learning_rate=1e-2", lambda recipe: recipe.optimisation.learning_rate, 0.01),
        ("network.name=swim", lambda recipe: recipe.network.name, "swim"),
        ('network.name="swim"', lambda recipe: recipe.network.name, "swim"),
        ("network.arguments.depths=[2, 2]", lambda recipe: recipe.network.arguments["depths"], [2, 2]),
        ("segmentation.bleed_hu=[40, 90]", lambda recipe: recipe.segmentation.bleed_hu, (40.0, 90.0)),
        ("data.settings.slices=3", lambda recipe: recipe.data.settings.slices, 3),
    ],
)
def test_a_setting_can_be_changed(written, change, get, value):
    assert get(load_recipe(written(), [change])) == value


def test_the_last_of_two_changes_counts(written):
    assert load_recipe(written(), ["seed=1", "seed=2"]).seed == 2


def test_a_store_takes_the_place_of_phantoms_and_the_other_way_round(written):
    recipe = load_recipe(written(), ["data.store=prepared"])
    assert (recipe.data.store, recipe.data.phantoms) == (Path("prepared"), None)
    recipe = load_recipe("paper-unet-mixed", ["data.phantoms=9"])
    assert (recipe.data.store, recipe.data.phantoms) == (None, 9)


def test_a_file_that_names_both_is_refused(written):
    both = SMALL.replace("[data]\n", '[data]\nstore = "a"\n')
    refused(
        written(both), r"^recipe '.*my.toml': data: give either phantoms \(how many\) or store \(a prepared folder\)$"
    )


@pytest.mark.parametrize("change", ["seed", "=3", " =3", ""])
def test_a_change_that_sets_nothing_is_refused(written, change):
    refused(written(), rf"^--set takes section.key=value; got {re.escape(repr(change))}$", [change])


def test_a_change_inside_a_value_is_refused(written):
    refused(written(), r"^--set 'seed.x=3': 'seed' is a value, not a section$", ["seed.x=3"])


def test_an_unknown_name_is_answered_with_the_three_nearest():
    refused(
        "phantom-swim",
        r"^no recipe is called 'phantom-swim'; did you mean one of phantom-swin, phantom-[\w-]+, phantom-[\w-]+\? "
        r"`ichnos info` lists all; or give a .toml file$",
    )
    refused("qqq", r"^no recipe is called 'qqq'; `ichnos info` lists all; or give a .toml file$")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    refused(str(tmp_path / "no.toml"), r"^recipe .*no.toml cannot be read: .*No such file")


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "a.toml").mkdir()
    refused(str(tmp_path / "a.toml"), r"^recipe .*a.toml cannot be read: ")


def test_bytes_that_are_no_text_are_refused(written):
    refused(written(b"seed = \xff"), r"^recipe .*my.toml cannot be read: .*utf-8")


def test_what_is_not_toml_is_refused(written):
    refused(written("seed: 3"), r"^recipe .*my.toml is not TOML: .*line 1")


@pytest.mark.parametrize(
    ("change", "place", "hint"),
    [
        ("optimisation.epoch=3", "optimisation.epoch", "did you mean 'epochs'?"),
        ("sed=3", "sed", "did you mean 'seed'?"),
        ("data.phantom=3", "data.phantom", "did you mean 'phantoms'?"),
        ("data.settings.slice=3", "data.settings.slice", "did you mean 'slices'?"),
        ("segmentation.map_treshold=0.3", "segmentation.map_treshold", "did you mean 'map_threshold'?"),
        ("network.zzz=3", "network.zzz", "known keys: name, arguments"),
        (
            "preprocessing.hu_windows=[{level_hu=1,width_hu=2,level=3}]",
            "preprocessing.hu_windows.0.level",
            "did you mean",
        ),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest(written, change, place, hint):
    refused(written(), rf"^recipe '.*my.toml': {re.escape(place)} is not a setting; {re.escape(hint)}", [change])


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        ("optimisation.epochs=many", r"optimisation.epochs = 'many': Input should be a valid integer"),
        ("optimisation.epochs=0", r"optimisation.epochs = 0: Input should be greater than 0"),
        ("data.validation_fraction=1", r"data.validation_fraction = 1: Input should be less than 1"),
        ("data=3", r"data = 3: Input should be"),
        ("seed=-1", r"seed = -1: "),
        ("seed=4294967296", r"seed = 4294967296: Input should be less than 4294967296"),
        ("preprocessing.hu_windows=[]", r"preprocessing.hu_windows = \[\]: "),
        ("augmentation.flip=2", r"augmentation.flip = 2: "),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(written, change, pattern):
    refused(written(), rf"^recipe '.*my.toml': {pattern}", [change])


def test_phantom_settings_out_of_range_are_named(written):
    refused(written(), r"rows must be at least 16; got 3", ["data.settings.rows=3"])


@pytest.mark.parametrize("key", ['name = "swin"', "epochs = 2"])
def test_a_setting_that_lacks_is_named(written, key):
    refused(written(SMALL.replace(key, "")), rf"^recipe '.*my.toml': \w+\.{key.split()[0]} is missing$")


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        (["objective.obvious_epoch=3"], r"objective.obvious_epoch is not a setting; did you mean 'obvious_epochs'\?$"),
        (["objective.name=slice-label"], r"no objective is called 'slice-label'; did you mean 'slice-labels'\?"),
        (["objective.obvious_epochs=few"], r"objective.obvious_epochs = 'few': Input should be a valid integer"),
        (["start.freeze=true"], r"start.checkpoint is missing$"),
        (["start.checkpoints=a"], r"start.checkpoints is not a setting; did you mean 'checkpoint'\?$"),
        (['data.folds="a"'], r"data: validation_store and folds go with store$"),
        (["optimisation.head_epochs=2"], r"optimisation.head_epochs trains what start does not take over; add a sect"),
        (["optimisation.precision=bf17"], r"optimisation.precision = 'bf17': Input should be 32, 16 or 'bf16'"),
        (["optimisation.keep=first"], r"optimisation.keep = 'first': Input should be 'best' or 'last'"),
    ],
)
def test_what_does_not_go_together_is_told(written, changes, pattern):
    text = SMALL + '[objective]\nname = "slice-labels"\n'
    refused(written(text), rf"^recipe '.*my.toml': {pattern}", changes)

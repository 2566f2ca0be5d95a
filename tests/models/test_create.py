import re

import pytest
from tiny import SWIN

from ichnos.errors import UsageError
from ichnos.models.create import ARGUMENTS, MODELS, create_model


def test_a_network_is_built_by_name():
    assert create_model("swin", SWIN).arguments.tile_size == SWIN["tile_size"]


def test_a_near_miss_is_answered_with_the_name():
    with pytest.raises(UsageError, match=r"^no network is called 'swim'; did you mean 'swin'\? there are: swin"):
        create_model("swim", SWIN)


def test_another_name_is_answered_with_the_list():
    with pytest.raises(UsageError, match=rf"^no network is called 'vgg'; there are: {', '.join(MODELS)}$"):
        create_model("vgg", {})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tile_sise": 4}, "arguments.tile_sise is not a setting; did you mean 'tile_size'?"),
        ({"zzz": 4}, "arguments.zzz is not a setting; known keys: "),
        ({"tile_size": "a"}, "arguments.tile_size = 'a': Input should be a valid integer"),
        ({"depths": [2, "b"]}, "arguments.depths.1 = 'b': Input should be a valid integer"),
        ({"depths": [2]}, "arguments: depths and attn_heads name 1 and 2 stages"),
    ],
)
def test_wrong_arguments_are_named_in_one_line(changes, reason):
    with pytest.raises(UsageError, match=rf"^network 'swin': {re.escape(reason)}") as caught:
        create_model("swin", {**SWIN, **changes})
    assert "\n" not in str(caught.value)


def test_what_lacks_is_named():
    with pytest.raises(UsageError, match=r"^network 'swin': arguments.image_size is missing$"):
        create_model("swin", {})


@pytest.mark.parametrize("name", sorted(MODELS))
def test_each_network_knows_its_own_arguments(name):
    """The nearest key is looked for among the keys that the network takes."""
    for key in ARGUMENTS[name].model_fields:
        with pytest.raises(UsageError, match=rf"arguments.{key}_ is not a setting; did you mean '{key}'\?$"):
            create_model(name, {f"{key}_": 1})

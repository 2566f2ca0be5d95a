import pytest
from tiny import SWIN

from ichnos.errors import UsageError
from ichnos.models.create import MODELS, create_model


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
        ({"tile_sise": 4}, "tile_sise: Extra inputs are not permitted"),
        ({"tile_size": "a"}, "tile_size: Input should be a valid integer"),
        ({"depths": [2]}, "depths and attn_heads name 1 and 2 stages"),
    ],
)
def test_wrong_arguments_are_named_in_one_line(changes, reason):
    with pytest.raises(UsageError, match=rf"^network 'swin' cannot be built with {{.*}}: .*{reason}") as caught:
        create_model("swin", {**SWIN, **changes})
    assert "\n" not in str(caught.value)


def test_all_that_lacks_is_named():
    with pytest.raises(UsageError, match=r"image_size: Field required; tile_size: Field required"):
        create_model("swin", {})

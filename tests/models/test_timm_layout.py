import pytest
import torch
from models.timm_swin import TimmSwin, Wrapped, lively

from ichnos.errors import CheckpointError
from ichnos.models.swin import create_swin
from ichnos.models.timm_layout import convert_timm, is_timm_layout

SOURCES = {
    "older": lambda: TimmSwin(newer=False),
    "newer": lambda: TimmSwin(newer=True),
    "older, wrapped, one output": lambda: Wrapped(1, newer=False),
    "newer, wrapped, six outputs": lambda: Wrapped(6, newer=True),
    "older, 1000 outputs": lambda: TimmSwin(1000, newer=False),
}


@pytest.mark.parametrize("name", SOURCES)
def test_logits_equal_those_of_the_network_it_came_from(name: str) -> None:
    source = lively(SOURCES[name]())
    arguments, converted = convert_timm(source.state_dict(), 64)
    model = create_swin(**arguments).eval()
    model.load_state_dict(converted)
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = source(pixels)
        assert (expected[0] - expected[1]).abs().max() > 1e-3
        torch.testing.assert_close(model(pixels), expected, atol=1e-5, rtol=1e-5)


def test_arguments_are_read_from_the_shapes() -> None:
    arguments, _ = convert_timm(TimmSwin(newer=False).state_dict(), None)
    assert arguments == {
        "image_size": 64,  # from the attention masks
        "tile_size": 4,
        "depths": [2, 4, 2],
        "attn_heads": [1, 2, 4],
        "embed_dim": 8,
        "patch_size": 4,
        "channels": 3,
        "outputs": 2,
    }


def test_the_layout_is_known_by_its_names() -> None:
    assert is_timm_layout(TimmSwin(newer=True).state_dict())
    assert is_timm_layout(Wrapped(2, newer=False).state_dict())
    assert not is_timm_layout({"transformer.swin.layernorm.weight": torch.zeros(1)})


def test_the_newer_naming_does_not_tell_the_image_size() -> None:
    with pytest.raises(CheckpointError, match="do not tell the size of the input"):
        convert_timm(TimmSwin(newer=True).state_dict(), None)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["layers.0.blocks.0.attn.logit_scale"], "1 weights are not those of a Swin: .*logit_scale"),
        (["absolute_pos_embed", *(f"x{i}" for i in range(6))], "absolute_pos_embed, x0, x1, x2, x3 and 2 more"),
        (["layers.0.blocks.0.attn_mask"], "not those of a Swin: layers.0.blocks.0.attn_mask"),
        (["layers.0.blocks.0.attn.qkv.scale"], "not those of a Swin"),
        (["head.extra"], "a classifier of one linear layer is expected beside the Swin; found head.bias, head.extra"),
    ],
)
def test_leftovers_are_refused_by_name(extra: list[str], message: str) -> None:
    weights = TimmSwin(newer=False).state_dict() | {name: torch.zeros(3) for name in extra}
    with pytest.raises(CheckpointError, match=message):
        convert_timm(weights, 64)


def test_another_position_index_is_refused() -> None:
    weights = TimmSwin(newer=False).state_dict()
    name = "layers.1.blocks.0.attn.relative_position_index"
    weights[name] = weights[name].T
    with pytest.raises(CheckpointError, match=rf"{name} is not the relative position index of tiles of 4 x 4"):
        convert_timm(weights, 64)


def test_a_lacking_classifier_is_said() -> None:
    weights = {k: v for k, v in TimmSwin(newer=False).state_dict().items() if not k.startswith("head")}
    with pytest.raises(CheckpointError, match="one linear layer is expected beside the Swin; found none"):
        convert_timm(weights, 64)


def test_weights_without_position_bias_are_refused() -> None:
    weights = {k: v for k, v in TimmSwin(newer=False).state_dict().items() if "position_bias" not in k}
    with pytest.raises(CheckpointError, match="hold no relative position bias"):
        convert_timm(weights, 64)

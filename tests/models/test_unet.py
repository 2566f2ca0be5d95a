import pytest
import torch
from pydantic import ValidationError
from torch import nn

from ichnos.errors import UsageError
from ichnos.models.unet import UNetArguments, UNetDecoder, create_unet


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("middle_factor", "parameters"), [(2, 5_409_089), (1, 7_765_409)])
def test_it_has_as_many_parameters_as_published(middle_factor, parameters):
    with torch.device("meta"):
        assert count(create_unet(middle_factor=middle_factor)) == parameters


def test_the_papers_encoder_has_its_2_4_million_parameters():
    with torch.device("meta"):
        assert count(create_unet().encoder) == 2_359_296


def widths_of(block):
    return [(layer.in_channels, layer.out_channels) for layer in block.modules() if isinstance(layer, nn.Conv2d)]


@pytest.mark.parametrize(
    ("middle_factor", "first", "last"),
    [(2, [(1, 16), (16, 32)], [(256, 256), (256, 512)]), (1, [(1, 32), (32, 32)], [(256, 512), (512, 512)])],
)
def test_blocks_widen_as_told(middle_factor, first, last):
    with torch.device("meta"):
        model = create_unet(middle_factor=middle_factor)
    assert widths_of(model.encoder.blocks[0]) == first
    assert widths_of(model.encoder.blocks[4]) == last
    assert widths_of(model.decoder.blocks[0].block) == [(512, 256), (256, 256)]
    assert widths_of(model.decoder.blocks[3].block) == [(64, 32), (32, 32)]


def test_features_halve_in_size_and_double_in_channels():
    features = create_unet(width=2).encoder(torch.zeros(3, 1, 32, 48))
    assert [tuple(level.shape) for level in features] == [
        (3, 2, 32, 48),
        (3, 4, 16, 24),
        (3, 8, 8, 12),
        (3, 16, 4, 6),
        (3, 32, 2, 3),
    ]


@pytest.mark.parametrize(("blocks", "shape"), [(1, (16, 4, 6)), (3, (4, 16, 24)), (4, (2, 32, 48))])
def test_a_partial_decoder_stops_on_its_way(blocks, shape):
    arguments = UNetArguments(width=2)
    features = create_unet(width=2).encoder(torch.zeros(3, 1, 32, 48))
    assert UNetDecoder(arguments, blocks)(features).shape == (3, *shape)


def test_a_partial_decoder_computes_what_the_whole_one_has_on_its_way():
    torch.manual_seed(0)
    model = create_unet(width=2).eval()
    part = UNetDecoder(model.arguments, 3).eval()
    part.load_state_dict({name: value for name, value in model.decoder.state_dict().items() if "blocks.3" not in name})
    features = model.encoder(torch.randn(2, 1, 32, 32))
    finished = model.decoder.blocks[3](part(features), features[0])
    assert torch.equal(finished, model.decoder(features))


def test_names_by_which_parts_are_transferred():
    names = list(create_unet(width=2).state_dict())
    assert list(dict.fromkeys(name.partition(".")[0] for name in names)) == ["encoder", "decoder", "output"]
    blocks = [".".join(name.split(".")[:3]) for name in names if name.startswith("decoder.")]
    assert list(dict.fromkeys(blocks)) == [f"decoder.blocks.{block}" for block in range(4)]


def test_skips_reach_the_output():
    """A change that the bottleneck cannot see passes through the skip of its level."""
    model = create_unet(width=2).eval()
    features = model.encoder(torch.randn(1, 1, 32, 32))
    before = model.decoder(features)
    for level in range(5):
        changed = [feature + (number == level) for number, feature in enumerate(features)]
        assert not torch.equal(model.decoder(changed), before), level


def test_dropout_acts_in_training_only_and_on_skips_too():
    torch.manual_seed(0)
    model = create_unet(width=2, dropout=0.9)
    pixels = torch.randn(1, 1, 32, 32)
    assert all((level == 0).float().mean() > 0.6 for level in model.encoder(pixels))
    assert torch.equal(model.eval()(pixels), model(pixels))


def test_there_is_no_dropout_unless_asked():
    torch.manual_seed(0)
    model = create_unet(width=2)
    pixels = torch.randn(2, 1, 32, 32)
    assert torch.equal(model(pixels), model(pixels))


@pytest.mark.parametrize("size", [(30, 32), (32, 40)])
def test_sides_that_do_not_halve_four_times_are_refused(size):
    with pytest.raises(UsageError, match="network 'unet' takes sides that are multiples of 16"):
        create_unet(width=2)(torch.zeros(1, 1, *size))


@pytest.mark.parametrize(
    "changes", [{"width": 3}, {"width": 0}, {"middle_factor": 3}, {"dropout": 1.0}, {"outputs": 0}, {"depth": 5}]
)
def test_arguments_that_make_no_network_are_refused(changes):
    with pytest.raises(ValidationError):
        create_unet(**changes)

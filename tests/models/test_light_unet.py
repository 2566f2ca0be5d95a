import pytest
import torch
from pydantic import ValidationError
from torch import nn

from ichnos.errors import UsageError
from ichnos.models.light_unet import create_light_unet


def test_it_has_as_many_parameters_as_the_first_papers():
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in create_light_unet().parameters()) == 1_204_994


def test_it_has_no_batch_normalisation():
    assert not any(isinstance(module, nn.BatchNorm2d) for module in create_light_unet(widths=[2, 4]).modules())


@pytest.mark.parametrize("size", [(8, 8), (16, 40), (24, 8)])
def test_sizes_agree(size):
    assert create_light_unet()(torch.zeros(1, 3, *size)).shape == (1, 2, *size)


@pytest.mark.parametrize(("widths", "multiple"), [((2, 4), 2), ((2, 4, 8, 16), 8)])
def test_sides_must_halve_as_often_as_it_pools(widths, multiple):
    model = create_light_unet(widths=widths)
    assert model(torch.zeros(1, 3, multiple, 3 * multiple)).shape == (1, 2, multiple, 3 * multiple)
    with pytest.raises(UsageError, match=f"network 'light-unet' takes sides that are multiples of {multiple}"):
        model(torch.zeros(1, 3, multiple, multiple + 1))


def test_the_callers_widths_are_left_alone():
    widths = [2, 4, 8]
    create_light_unet(widths=widths)
    assert widths == [2, 4, 8]


@pytest.mark.parametrize("changes", [{"widths": [4]}, {"widths": [4, 0]}, {"outputs": 0}, {"width": 4}])
def test_arguments_that_make_no_network_are_refused(changes):
    with pytest.raises(ValidationError):
        create_light_unet(**changes)

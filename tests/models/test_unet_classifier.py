import pytest
import torch
from torch import nn

from ichnos.models.unet import create_unet
from ichnos.models.unet_classifier import create_unet_classifier


@pytest.mark.parametrize(
    ("outputs", "hidden", "widths"),
    [
        (2, [1024, 256], [(512, 1024), (1024, 256), (256, 2)]),
        (7, [1024, 256], [(512, 1024), (1024, 256), (256, 7)]),
        (128, [512], [(512, 512), (512, 128)]),
        (2, [], [(512, 2)]),
    ],
)
def test_its_perceptron_is_as_wide_as_asked(outputs, hidden, widths):
    with torch.device("meta"):
        model = create_unet_classifier(outputs=outputs, hidden=hidden)
    linear = [layer for layer in model.classifier if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == widths
    assert isinstance(model.classifier[-1], nn.Linear), "logits may be negative"
    assert len(model.classifier) == 2 * len(widths) - 1


def test_it_pools_the_mean_of_the_bottleneck():
    torch.manual_seed(0)
    model = create_unet_classifier(width=2, hidden=[3]).eval()
    pixels = torch.randn(2, 1, 32, 48)
    bottleneck = model.encoder(pixels)[-1]
    expected = torch.stack([torch.stack([plane.sum() / 6 for plane in one]) for one in bottleneck])
    torch.testing.assert_close(model.pool(pixels), expected)
    torch.testing.assert_close(model(pixels), model.classifier(expected))


def test_its_encoder_has_the_names_of_the_unets():
    classifier, unet = create_unet_classifier(width=2), create_unet(width=2)
    names = [name for name in unet.state_dict() if name.startswith("encoder.")]
    assert [name for name in classifier.state_dict() if name.startswith("encoder.")] == names

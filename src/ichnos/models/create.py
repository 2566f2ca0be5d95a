"""Networks by name."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from torch import nn

from ichnos.errors import UsageError
from ichnos.models.light_unet import LightUNetArguments, create_light_unet
from ichnos.models.swin import SwinArguments, create_swin
from ichnos.models.swin_unetr import SwinUNETRArguments, create_swin_unetr
from ichnos.models.unet import UNetArguments, create_unet
from ichnos.models.unet_classifier import UNetClassifierArguments, create_unet_classifier
from ichnos.models.unet_regions import UNetRegionsArguments, create_unet_regions
from ichnos.runtime.names import choose_by_name
from ichnos.runtime.wrong_settings import explain

MODELS: dict[str, Callable[..., nn.Module]] = {
    "swin": create_swin,
    "unet": create_unet,
    "light-unet": create_light_unet,
    "swin-unetr": create_swin_unetr,
    "unet-classifier": create_unet_classifier,
    "unet-regions": create_unet_regions,
}

ARGUMENTS: dict[str, type[BaseModel]] = {
    "swin": SwinArguments,
    "unet": UNetArguments,
    "light-unet": LightUNetArguments,
    "swin-unetr": SwinUNETRArguments,
    "unet-classifier": UNetClassifierArguments,
    "unet-regions": UNetRegionsArguments,
}
"""What networks are built with."""

KINDS: dict[str, Literal["classifier", "segmenter", "embedder"]] = {
    "swin": "classifier",
    "unet": "segmenter",
    "light-unet": "segmenter",
    "swin-unetr": "segmenter",
    "unet-classifier": "classifier",
    "unet-regions": "embedder",
}
"""What a network gives: logits of each slice, logits of each pixel, or vectors that describe places."""


def create_model(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Build the network called `name`.

    Raises:
        UsageError: no such network, or arguments that it does not take.
    """
    create = choose_by_name(MODELS, name, "network")
    try:
        return create(**arguments)
    except ValidationError as error:
        raise UsageError(f"network {name!r}: {explain(error, ARGUMENTS[name], 'arguments')}") from error

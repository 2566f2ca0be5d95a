"""Small networks of every family that can be explained, with livelier attention than fresh ones have."""

import torch
from torch import nn
from transformers import (
    BeitConfig,
    BeitForImageClassification,
    DeiTConfig,
    DeiTForImageClassification,
    Dinov2Config,
    Dinov2ForImageClassification,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersForImageClassification,
    SwinConfig,
    SwinForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)

from ichnos.models.create import create_model


def liven(model: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1 and "token" not in name:
            nn.init.normal_(parameter, std=0.2)
    return model.eval()


def swin(
    image_size: int = 32,
    tile_size: int = 4,
    depths: tuple[int, ...] = (2, 4),
    outputs: int = 2,
    embed_dim: int = 16,
) -> nn.Module:
    arguments = {"image_size": image_size, "tile_size": tile_size, "depths": depths}
    arguments |= {"attn_heads": (2, 4, 8, 16)[: len(depths)], "embed_dim": embed_dim, "outputs": outputs}
    return liven(create_model("swin", arguments))


_SMALL = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
_SMALL |= {"num_labels": 3}
_WIDE = {"intermediate_size": 32}

TRANSFORMERS = {
    "vit": lambda: ViTForImageClassification(ViTConfig(**_SMALL, **_WIDE)),
    "deit": lambda: DeiTForImageClassification(DeiTConfig(**_SMALL, **_WIDE)),
    "dinov2": lambda: Dinov2ForImageClassification(Dinov2Config(**_SMALL)),
    "dinov2-registers": lambda: Dinov2WithRegistersForImageClassification(
        Dinov2WithRegistersConfig(**_SMALL, num_register_tokens=3)
    ),
    "beit": lambda: BeitForImageClassification(
        BeitConfig(**_SMALL, **_WIDE, use_relative_position_bias=True, use_mean_pooling=True)
    ),
    "beit-class-token": lambda: BeitForImageClassification(
        BeitConfig(**_SMALL, **_WIDE, use_relative_position_bias=False, use_mean_pooling=False)
    ),
    "swin-padded": lambda: SwinForImageClassification(
        SwinConfig(
            image_size=36, patch_size=4, window_size=4, depths=[2, 2], num_heads=[2, 4], embed_dim=16, num_labels=3
        )
    ),
}
"""By name; each takes `pixels_for(name)` and has three outputs."""

EXTRA_TOKENS = {"vit": 1, "deit": 2, "dinov2": 1, "dinov2-registers": 4, "beit": 1, "beit-class-token": 1}


def some_pixels(count: int, size: int = 32) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(2))


def pixels_for(name: str, count: int = 2) -> torch.Tensor:
    return some_pixels(count, 36 if name == "swin-padded" else 32)

"""Swin weights as timm and Swin's authors name them, turned into those of our `SwinClassifier`.

Read from the names and shapes alone; no code of either is used. Two namings exist: a stage's
downsampling stands at its end (Swin's authors, timm before 0.9) or at the beginning of the next
one (timm since). A network that wraps a Swin without classifier and adds its own, as the first
paper's does, has the prefix `swin.` on all names but those two.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ichnos.errors import CheckpointError

Weights = Mapping[str, Tensor]

_WRAPPER = "swin."
_PATCHES = "patch_embed.proj.weight"
_OURS = "transformer.swin."

_FIXED = {
    "patch_embed.proj": "embeddings.patch_embeddings.projection",
    "patch_embed.norm": "embeddings.norm",
    "norm": "layernorm",
}
_IN_BLOCK = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.proj": "attention.o_proj",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
_TABLE = "attn.relative_position_bias_table"
_OUR_TABLE = "attention.relative_position_bias.relative_position_bias_table"


def is_timm_layout(weights: Weights) -> bool:
    """Whether the names are those of a timm Swin, wrapped or not."""
    return _PATCHES in weights or _WRAPPER + _PATCHES in weights


def convert_timm(
    weights: Weights, image_size: int | None, usual_size: int | None = None
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments of the network and its weights under our names.

    Args:
        weights: by timm's names.
        image_size: rows and columns of the input; None to read it from the attention masks that
            the older naming stores.
        usual_size: taken where these are not stored either.

    Raises:
        CheckpointError: the classifier or the image size is missing, a buffer is not what Swin
            computes, or names are left over.
    """
    backbone, classifier = _split(weights)
    left = dict(backbone)
    tables = {name: table for name, table in backbone.items() if name.endswith(_TABLE)}
    arguments = _read_arguments(backbone, tables)
    arguments["image_size"] = image_size or _read_image_size(backbone, arguments) or usual_size
    if arguments["image_size"] is None:
        raise CheckpointError("the weights do not tell the size of the input; give it")
    arguments |= {"outputs": len(classifier["weight"])}
    tile = arguments["tile_size"]
    converted = {f"transformer.classifier.{kind}": tensor for kind, tensor in classifier.items()}
    late = not any(name.startswith("layers.0.downsample.") for name in backbone)
    for name in backbone:
        found = _rename(name, late)
        if found is None and not _is_buffer(name, backbone[name], tile):
            continue
        tensor = left.pop(name)
        if found is not None:
            converted |= _place(found, tensor)
    if left:
        raise CheckpointError(f"{len(left)} weights are not those of a Swin: {_some(left)}")
    return arguments, converted


def _split(weights: Weights) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The Swin without its classifier, and the classifier's weight and bias."""
    wrapped = _WRAPPER + _PATCHES in weights
    if wrapped:
        backbone = {name.removeprefix(_WRAPPER): t for name, t in weights.items() if name.startswith(_WRAPPER)}
        rest = {name: t for name, t in weights.items() if not name.startswith(_WRAPPER)}
    else:
        rest = {name: t for name, t in weights.items() if name.startswith("head.")}
        backbone = {name: t for name, t in weights.items() if name not in rest}
    kinds = {name.rpartition(".")[2]: tensor for name, tensor in rest.items()}
    owners = {name.rpartition(".")[0] for name in rest}
    if kinds.keys() != {"weight", "bias"} or len(rest) != 2 or len(owners) != 1 or kinds["weight"].ndim != 2:
        found = _some(rest) if rest else "none"
        raise CheckpointError(f"a classifier of one linear layer is expected beside the Swin; found {found}")
    return backbone, kinds


def _read_arguments(backbone: Weights, tables: Weights) -> dict[str, Any]:
    """What the shapes say about the network."""
    places = [re.fullmatch(r"layers\.(\d+)\.blocks\.(\d+)\..*", name) for name in tables]
    blocks = sorted((int(place[1]), int(place[2])) for place in places if place)
    if not blocks:
        raise CheckpointError("the weights hold no relative position bias, so they are not those of a Swin")
    stages = range(blocks[-1][0] + 1)
    embed_dim, channels, patch_size, _ = backbone[_PATCHES].shape
    first = tables[f"layers.0.blocks.0.{_TABLE}"]
    tile_size = (math.isqrt(len(first)) + 1) // 2
    return {
        "tile_size": tile_size,
        "depths": [sum(stage == number for stage, _ in blocks) for number in stages],
        "attn_heads": [int(tables[f"layers.{number}.blocks.0.{_TABLE}"].shape[1]) for number in stages],
        "embed_dim": int(embed_dim),
        "patch_size": int(patch_size),
        "channels": int(channels),
    }


def _read_image_size(backbone: Weights, arguments: dict[str, Any]) -> int | None:
    mask = backbone.get("layers.0.blocks.1.attn_mask")
    if mask is None:
        return None
    return math.isqrt(len(mask)) * int(arguments["tile_size"]) * int(arguments["patch_size"])


def _rename(name: str, downsamples_late: bool) -> str | None:
    """Our name, with `qkv` where three of ours are one of theirs; None for what we have no name for."""
    owner, _, kind = name.rpartition(".")
    if owner in _FIXED and kind in {"weight", "bias"}:
        return f"{_OURS}{_FIXED[owner]}.{kind}"
    if match := re.fullmatch(r"layers\.(\d+)\.downsample\.(norm\.weight|norm\.bias|reduction\.weight)", name):
        stage = int(match[1]) - downsamples_late
        return f"{_OURS}encoder.layers.{stage}.downsample.{match[2]}"
    match = re.fullmatch(r"layers\.(\d+)\.blocks\.(\d+)\.(.+)", name)
    inside = _rename_in_block(match[3]) if match else None
    return f"{_OURS}encoder.layers.{match[1]}.blocks.{match[2]}.{inside}" if match and inside else None


def _rename_in_block(name: str) -> str | None:
    if name == _TABLE:
        return _OUR_TABLE
    owner, _, kind = name.rpartition(".")
    if kind not in {"weight", "bias"}:
        return None
    if owner == "attn.qkv":
        return f"attention.qkv.{kind}"
    return f"{_IN_BLOCK[owner]}.{kind}" if owner in _IN_BLOCK else None


def _place(name: str, tensor: Tensor) -> dict[str, Tensor]:
    if ".attention.qkv." not in name:
        return {name: tensor}
    parts = zip("qkv", tensor.chunk(3), strict=True)
    return {name.replace(".qkv.", f".{letter}_proj."): part for letter, part in parts}


def _is_buffer(name: str, tensor: Tensor, tile: int) -> bool:
    """Whether this is a constant of the architecture, which our network computes for itself."""
    if name.endswith(".attn.relative_position_index"):
        if not torch.equal(tensor.flatten().long(), _position_index(tile).flatten()):
            raise CheckpointError(f"{name} is not the relative position index of tiles of {tile} x {tile}")
        return True
    return name.endswith(".attn_mask") and tensor.shape[1:] == (tile**2, tile**2)


def _position_index(tile: int) -> Tensor:
    """Row of the bias table for each query and key: offsets of rows, then of columns, from -(tile - 1)."""
    rows, columns = (part.flatten() for part in torch.meshgrid(torch.arange(tile), torch.arange(tile), indexing="ij"))
    down = rows[:, None] - rows[None, :] + tile - 1
    across = columns[:, None] - columns[None, :] + tile - 1
    return down * (2 * tile - 1) + across


def _some(weights: Weights) -> str:
    names = sorted(weights)
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more

"""Swin classifiers from elsewhere: a file in timm's naming, or a Hugging Face repository."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import SwinForImageClassification

from ichnos.errors import CheckpointError, UsageError
from ichnos.models.swin import SwinClassifier, create_swin
from ichnos.models.timm_layout import convert_timm, is_timm_layout

_WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts keep weights beside other things."""

_DISTRIBUTED = "module."
"""Prefix that torch's data parallel wrappers leave on every name."""


def import_swin(
    source: str, image_size: int | None = None, usual_size: int | None = None
) -> tuple[SwinClassifier, dict[str, Any]]:
    """A classifier in eval mode and the arguments it was built with.

    Args:
        source: a .pth, .pt or .safetensors file in timm's naming; a folder or a repository
            (owner/name) in Hugging Face's.
        image_size: rows and columns of the input; None to take what `source` tells.
        usual_size: taken where it does not tell.

    Raises:
        CheckpointError: nothing there, not a Swin classifier, or names left over.
    """
    path = Path(source)
    if path.is_file():
        return _import_file(path, image_size, usual_size)
    if path.is_dir() or (source.count("/") == 1 and not path.suffix):
        return _import_repository(source, image_size)
    raise CheckpointError(f"{source} does not exist; give a .pth or .safetensors file, a folder or owner/name")


def _import_file(path: Path, image_size: int | None, usual_size: int | None) -> tuple[SwinClassifier, dict[str, Any]]:
    weights = read_weights(path)
    if not is_timm_layout(weights):
        some = ", ".join(sorted(weights)[:3]) or "nothing"
        raise CheckpointError(f"{path} does not hold a Swin in timm's naming; it holds {some}")
    try:
        arguments, converted = convert_timm(weights, image_size, usual_size)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    return _build(arguments, converted, str(path)), arguments


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name, of a file of either kind; nothing but tensors is unpickled.

    Raises:
        CheckpointError: not readable, or it holds more than plain data.
    """
    try:
        content: dict[str, Any] = load_file(path) if path.suffix == ".safetensors" else _unpickle(path)
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError) as error:
        raise CheckpointError(f"{path} is not a readable weights file: {' '.join(str(error).split()):.200}") from error
    wrapper = next((key for key in _WRAPPERS if isinstance(content.get(key), Mapping)), None)
    weights: Mapping[str, Any] = content[wrapper] if wrapper else content
    tensors = {str(name): value for name, value in weights.items() if isinstance(value, Tensor)}
    if all(name.startswith(_DISTRIBUTED) for name in tensors):
        tensors = {name.removeprefix(_DISTRIBUTED): tensor for name, tensor in tensors.items()}
    return tensors


def _unpickle(path: Path) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds Python objects beside its weights, which could run code and are not loaded; "
            "save the state_dict of the model alone"
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not weights by name")
    return content


def _import_repository(source: str, image_size: int | None) -> tuple[SwinClassifier, dict[str, Any]]:
    try:
        model = SwinForImageClassification.from_pretrained(source)
    except OSError as error:
        raise CheckpointError(
            f"{source} cannot be loaded from the Hugging Face hub ({' '.join(str(error).split()):.120}); without a "
            "network, download config.json and model.safetensors of that repository elsewhere, put both into a "
            "folder, and give the folder"
        ) from error
    config: Any = model.config
    arguments = {
        "image_size": image_size or config.image_size,
        "tile_size": config.window_size,
        "depths": list(config.depths),
        "attn_heads": list(config.num_heads),
        "embed_dim": config.embed_dim,
        "patch_size": config.patch_size,
        "channels": config.num_channels,
        "outputs": config.num_labels,
    }
    weights = {f"transformer.{name}": tensor for name, tensor in model.state_dict().items()}
    return _build(arguments, weights, source), arguments


def _build(arguments: dict[str, Any], weights: Mapping[str, Tensor], source: str) -> SwinClassifier:
    try:
        model = create_swin(**arguments)
        model.load_state_dict(dict(weights))
    except (ValidationError, UsageError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{source} does not fit a Swin of {arguments}: {reason:.300}") from error
    return model.eval()

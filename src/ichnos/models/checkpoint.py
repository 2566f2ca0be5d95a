"""A trained network on disk: a folder that is enough to segment with.

    model.safetensors   the weights; never pickled
    ichnos.json         what the network is, how its input is made, how it was trained
    README.md           the model card

`ichnos.json` carries the sha256 of the weights; a folder whose weights were altered is refused.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ichnos.errors import CheckpointError, UsageError
from ichnos.models.create import KINDS, create_model
from ichnos.runtime.files import replacing, write_json, write_text

FORMAT = 1
"""Version of the folder's layout; raised when an older ichnos could not read a newer folder."""

_KINDS = {
    "format": int,
    "network": dict,
    "preprocessing": dict,
    "segmentation": dict,
    "labels": list,
    "training": dict,
    "sha256": str,
}
"""What ichnos.json must hold."""


@dataclass(frozen=True)
class Checkpoint:
    """A network and everything that belongs to it.

    Attributes:
        network: name in `models.create.MODELS` and the arguments it is built with.
        preprocessing: how a scan becomes the network's input (`preprocessing.Recipe` as plain values).
        segmentation: thresholds and cleanup (`segmentation.SegmentationSettings` as plain values).
        labels: what each output stands for, in order.
        training: provenance: data and its licence, recipe, seed, versions, measured figures.
        model: the network with its weights.
    """

    network: dict[str, Any]
    preprocessing: dict[str, Any]
    segmentation: dict[str, Any]
    labels: tuple[str, ...]
    model: nn.Module
    training: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""

    @property
    def kind(self) -> Literal["classifier", "segmenter", "embedder"]:
        """What the network gives: logits of each slice, logits of each pixel, or vectors."""
        return KINDS[self.network["name"]]


def save_checkpoint(checkpoint: Checkpoint, folder: Path, card: str) -> Path:
    """Write a checkpoint folder; returns it. `card` is the Markdown of its model card."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.model.state_dict().items()}
    with replacing(folder / "model.safetensors") as temporary:
        save_file(weights, temporary)
    write_json(
        folder / "ichnos.json",
        {
            "format": FORMAT,
            "network": checkpoint.network,
            "preprocessing": checkpoint.preprocessing,
            "segmentation": checkpoint.segmentation,
            "labels": list(checkpoint.labels),
            "training": checkpoint.training,
            "sha256": _sha256(folder / "model.safetensors"),
        },
    )
    write_text(folder / "README.md", card)
    return folder


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint folder; the network comes back in eval mode on the CPU.

    Raises:
        CheckpointError: files missing, altered, truncated, or of a newer format.
    """
    content = _read_description(folder)
    weights_path = folder / "model.safetensors"
    if not weights_path.is_file():
        raise CheckpointError(f"{folder} holds no model.safetensors; copy the whole checkpoint folder")
    sha256 = _sha256(weights_path)
    if sha256 != content["sha256"]:
        raise CheckpointError(
            f"{weights_path} has sha256 {sha256[:12]}…, its ichnos.json says {content['sha256'][:12]}…; "
            "the file was altered or only partly copied: copy the folder again"
        )
    model = _build(content["network"], folder)
    try:
        model.load_state_dict(load_file(weights_path))
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{weights_path} does not fit the network of its ichnos.json: {reason:.300}") from error
    return Checkpoint(
        network=content["network"],
        preprocessing=content["preprocessing"],
        segmentation=content["segmentation"],
        labels=tuple(content["labels"]),
        model=model.eval(),
        training=content["training"],
        sha256=sha256,
    )


def _build(network: dict[str, Any], folder: Path) -> nn.Module:
    try:
        return create_model(network["name"], network["arguments"])
    except UsageError as error:
        raise CheckpointError(f"{folder}: {error}; was it written by a newer ichnos?") from error


def _read_description(folder: Path) -> dict[str, Any]:
    path = folder / "ichnos.json"
    if not path.is_file():
        raise CheckpointError(f"{folder} is not a checkpoint: it holds no ichnos.json")
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is not readable JSON ({error}); copy the folder again") from error
    _check_kinds(content, _KINDS, str(path))
    if content["format"] > FORMAT:
        raise CheckpointError(
            f"{folder} is written in format {content['format']}, this ichnos reads up to {FORMAT}; update ichnos"
        )
    _check_kinds(content["network"], {"name": str, "arguments": dict}, f"{path}: network")
    return content


def _check_kinds(content: object, kinds: Mapping[str, type], place: str) -> None:
    if not isinstance(content, dict) or kinds.keys() - content.keys():
        lacking = kinds.keys() - content.keys() if isinstance(content, dict) else kinds.keys()
        raise CheckpointError(f"{place} lacks {', '.join(sorted(lacking))}; copy the folder again")
    wrong = sorted(key for key, kind in kinds.items() if not isinstance(content[key], kind))
    if wrong:
        raise CheckpointError(f"{place}: {wrong[0]} is a {type(content[wrong[0]]).__name__}; it was altered by hand")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()

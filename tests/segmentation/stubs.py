"""A classifier whose answers are known, and a head with a bright ball in its brain."""

from pathlib import Path

import torch
from preprocessing.heads import ball_head
from torch import nn

from ichnos.models.checkpoint import Checkpoint, save_checkpoint
from ichnos.models.create import create_model
from ichnos.models.outputs import KNOWN_LABELS
from ichnos.preprocessing.recipe import PRESETS, Recipe
from ichnos.scans.scan import Scan
from ichnos.segmentation.settings import PRESETS as SEGMENTATION_PRESETS
from ichnos.segmentation.settings import SegmentationSettings

NETWORK = {
    "name": "swin",
    "arguments": {"image_size": 32, "tile_size": 4, "depths": (2, 2), "attn_heads": (2, 4), "embed_dim": 16},
}
RECIPE: Recipe = PRESETS["ichnos"].model_copy(update={"image_size": 32, "field_of_view_mm": 200.0})
SEGMENTATION_NETWORK = SEGMENTATION_PRESETS["segmentation-network"]
SETTINGS = SegmentationSettings(stages=(1, 2), probability_gate=0.5, map_threshold=0.2)


def make_swin(bias: float = 0.0) -> nn.Module:
    """An untrained Swin; `bias` lifts the bleed logit of every slice."""
    torch.manual_seed(0)
    model = create_model(NETWORK["name"], NETWORK["arguments"]).eval()
    with torch.no_grad():
        model.transformer.classifier.bias.copy_(torch.tensor([0.0, bias]))
    return model


def make_checkpoint(bias: float = 0.0, settings: SegmentationSettings = SETTINGS) -> Checkpoint:
    return Checkpoint(
        network=NETWORK,
        preprocessing=RECIPE.model_dump(mode="json"),
        segmentation=settings.model_dump(mode="json"),
        labels=("no bleed", "bleed"),
        model=make_swin(bias),
        training={"data": "nothing"},
    )


def save_stub(folder: Path, bias: float = 8.0, settings: SegmentationSettings = SETTINGS) -> Path:
    """A checkpoint folder whose model calls every slice bleeding."""
    return save_checkpoint(make_checkpoint(bias, settings), folder, "a test model")


UNET = {"name": "unet", "arguments": {"channels": 3, "width": 2}}


def make_unet_checkpoint(
    outputs: int = 1, settings: SegmentationSettings = SEGMENTATION_NETWORK, name: str = "unet"
) -> Checkpoint:
    """An untrained U-Net of some hundred parameters; with one output a sigmoid, with two a softmax."""
    torch.manual_seed(0)
    network = {"name": name, "arguments": {**UNET["arguments"], "outputs": outputs}}
    return Checkpoint(
        network=network,
        preprocessing=RECIPE.model_dump(mode="json"),
        segmentation=settings.model_dump(mode="json"),
        labels=KNOWN_LABELS[outputs],
        model=create_model(name, network["arguments"]).eval(),
        training={"data": "nothing"},
    )


def bleeding_head() -> Scan:
    """`ball_head` with a cube of 70 HU inside: slices 14 to 16, rows 58 to 69, columns 50 to 61."""
    scan = ball_head()
    voxels = scan.voxels_hu.copy()
    voxels[14:17, 58:70, 50:62] = 70.0
    return Scan(voxels, scan.geometry)

"""Slices of phantoms, small networks and settings that the tests of learning strategies share."""

from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from ichnos.cohorts.phantom_slices import make_case
from ichnos.cohorts.slice_store import BLEED, MARKS, SliceStore
from ichnos.models.checkpoint import Checkpoint
from ichnos.phantoms import PhantomSettings
from ichnos.preprocessing.brain_mask import BrainMask
from ichnos.preprocessing.hu_window import HuWindow
from ichnos.preprocessing.recipe import Recipe
from ichnos.scans.scan import Mask
from ichnos.segmentation import segmenter as segmenter_module
from ichnos.segmentation.evidence import Evidence
from ichnos.segmentation.segmenter import Segmenter
from ichnos.segmentation.settings import SegmentationSettings
from ichnos.training.batches import SliceDataset
from ichnos.training.pseudo_targets import write_pseudo_targets

RECIPE = Recipe(hu_windows=(HuWindow(level_hu=50, width_hu=200),), image_size=64, field_of_view_mm=216.0)
"""The second paper's window."""

PHANTOMS = PhantomSettings(slices=6, rows=64, columns=64, bleed_probability=1.0, gap_mm=(15.0, 20.0))

SEEDS = {"epidural": 10, "intraparenchymal": 0, "intraventricular": 4, "subarachnoid": 9, "subdural": 1}
"""Of phantoms whose bleeds are seen in more than one slice."""

_SWIN = {"image_size": 64, "tile_size": 4, "depths": [2, 2], "attn_heads": [1, 2], "embed_dim": 8, "channels": 1}
_SWIN |= {"drop_path": 0.0}

_ENCODER = {"width": 4}

NETWORKS = {
    "slice-labels": ("swin", _SWIN),
    "focal-labels": ("swin", {**_SWIN, "outputs": 1}),
    "supervised": ("unet", _ENCODER),
    "context-restoration": ("unet", _ENCODER),
    "global-contrastive": ("unet-classifier", {**_ENCODER, "hidden": [32], "outputs": 16}),
    "local-contrastive": ("unet-regions", {**_ENCODER, "hidden": 32, "outputs": 16}),
    "binary-pretext": ("unet-classifier", {**_ENCODER, "hidden": [16, 8]}),
    "multi-label-ce": ("unet-classifier", {**_ENCODER, "hidden": [16, 8], "outputs": 7}),
    "multi-label-dice": ("unet-classifier", {**_ENCODER, "hidden": [16, 8], "outputs": 7}),
    "pseudo-labels": ("unet", {**_ENCODER, "outputs": 2}),
    "subtype-masks": ("unet", {**_ENCODER, "outputs": 6}),
    "cavity": ("unet", _ENCODER),
}
"""For each strategy, a network that it can train."""

SETTINGS = {
    "slice-labels": {},
    "focal-labels": {},
    "supervised": {"empty_weight": 0.2},
    "context-restoration": {"swaps": 4, "patch_px": 6},
    "global-contrastive": {"view": {"rotation_degrees": 5, "scale": 0.05, "shift": 0.02, "flip": 0, "noise": 0.02}},
    "local-contrastive": {},
    "binary-pretext": {},
    "multi-label-ce": {},
    "multi-label-dice": {},
    "pseudo-labels": {"classes": 2, "view": "none"},
    "subtype-masks": {},
    "cavity": {},
}


class Fixed(nn.Module):
    """A network that has answered already."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, pixels):
        return self.logits[: len(pixels)] * 1


def phantom_store():
    """Five phantoms, one for each subtype, whose slices all have masks; in memory."""
    cases = [make_case(seed, replace(PHANTOMS, subtypes=(subtype,)), RECIPE) for subtype, seed in SEEDS.items()]
    lengths = [len(case.labels) for case in cases]
    return SliceStore(
        hu=np.rint(np.concatenate([case.slices_hu for case in cases])).astype("<i2"),
        marks=np.concatenate([case.marks for case in cases]),
        labels=np.concatenate([case.labels for case in cases]),
        has_mask=np.ones(sum(lengths), bool),
        is_obvious=np.concatenate([case.is_obvious for case in cases]),
        cases=np.repeat(np.arange(len(cases)), lengths),
        names=tuple(case.case for case in cases),
        patients=tuple(case.patient for case in cases),
        origin={"field_of_view_mm": RECIPE.field_of_view_mm},
    )


def made_batch(store, rows):
    return SliceDataset(store, RECIPE).__getitems__([int(row) for row in rows])


def knowing_teacher(store, monkeypatch, *, threshold=0.25, gate=0.5, seen=1.0):
    """A segmenter whose maps are the masks of the store, at `threshold` where there is blood and half of it beside."""

    def gather(scan, model, recipe, settings, batch_size, *, labels):
        same = [np.array_equal(store.hu[np.flatnonzero(store.cases == case)], scan.voxels_hu) for case in range(50)]
        rows = np.flatnonzero(store.cases == same.index(True))
        blood = (store.marks[rows] & BLEED) != 0
        brain = (store.marks[rows] & MARKS["brain"]) != 0
        maps = np.where(blood, threshold, threshold / 2).astype(np.float32)
        allowed = blood if settings.bleed_hu else brain
        probabilities = np.full(len(rows), seen, np.float32)
        return Evidence(scan, BrainMask(Mask(brain, scan.geometry), ()), maps, probabilities, allowed)

    monkeypatch.setattr(segmenter_module, "gather_evidence", gather)
    settings = SegmentationSettings(map_threshold=threshold, probability_gate=gate, bleed_hu=(42.0, 110.0))
    return Segmenter(Checkpoint({"name": "swin"}, {}, {}, (), nn.Identity()), RECIPE, settings, "knowing")


def made_targets(store, folder):
    """Folder of targets that agree with the masks of the store."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        write_pseudo_targets(knowing_teacher(store, monkeypatch), store, folder)
    return folder

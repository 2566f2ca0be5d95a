"""Where a classifier looked in a scan: maps of several methods and outputs, on the scan's own grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from ichnos.errors import UsageError
from ichnos.maps.families import find_anatomy
from ichnos.maps.methods import explain
from ichnos.maps.settings import MapSettings, choose_settings, fit_stages
from ichnos.models.outputs import find_bleed_output, find_output
from ichnos.scans.scan import Scan
from ichnos.segmentation.evidence import classify
from ichnos.segmentation.segmenter import Segmenter


@dataclass(frozen=True)
class ScanExplanation:
    """Maps of a scan.

    Attributes:
        scan: what was looked at.
        targets: names of the explained outputs.
        maps: by method; in [0, 1], normalised in each slice; zero in slices that were not explained.
        probabilities: of each target in each slice, feet to head.
        slices: which were explained: those where a target is at or above the gate, and the shown one.
        shown: the slice with the highest probability of the first target, or the one asked for.
        stages: of the shown slice and the first target, by method; only methods that fuse stages.
    """

    scan: Scan
    targets: tuple[str, ...]
    maps: dict[str, Float[np.ndarray, "targets slices rows columns"]]
    probabilities: Float[np.ndarray, "targets slices"]
    slices: Int[np.ndarray, " explained"]
    shown: int
    stages: dict[str, Float[np.ndarray, "stages rows columns"]]


def explain_scan(
    scan: Scan,
    segmenter: Segmenter,
    methods: Sequence[str] = ("hgi-sam",),
    targets: Sequence[str] = (),
    preset: str = "paper",
    *,
    shown: int | None = None,
) -> ScanExplanation:
    """Explain the slices of a scan that a classifier calls positive.

    Args:
        scan: to look at.
        segmenter: whose classifier is explained, with its input recipe and gate.
        methods: names in `maps.methods.METHODS`.
        targets: names of outputs; none for the one that stands for a bleed.
        preset: of the methods' settings; the model's own settings are kept for its own method.
        shown: a slice (0 at the feet) to explain whatever its probability; None for the most suspicious.

    Raises:
        UsageError: a method, output, preset or slice that there is not; a segmentation network.
    """
    if segmenter.checkpoint.kind != "classifier":
        raise UsageError(
            f"model {segmenter.name!r} is a segmentation network: its map is what it segments with, and there is no "
            "answer per slice to explain; give a classifier with -m, or use `ichnos segment`"
        )
    labels, recipe = segmenter.checkpoint.labels, segmenter.recipe
    model = segmenter.checkpoint.model
    settings = {method: _settings(segmenter, method, preset) for method in methods}
    asked = [find_output(labels, name) for name in targets] or [find_bleed_output(labels)]
    grid, slices_hu = recipe.place(scan)
    probabilities = classify(slices_hu, model, recipe, segmenter.batch_size, labels)[:, asked].T
    chosen, shown = _choose(probabilities, segmenter.settings.probability_gate, shown)
    maps = {method: np.zeros((len(asked), *scan.voxels_hu.shape), np.float32) for method in methods}
    stages: dict[str, Float[np.ndarray, "stages rows columns"]] = {}
    device = next(model.parameters()).device
    for z in chosen:
        pixels = torch.from_numpy(recipe.make_channels(slices_hu[z : z + 1])).to(device)
        for method in methods:
            found = explain(model, pixels, settings[method], asked)
            maps[method][:, z] = grid.to_scan(found.maps[0].float().cpu().numpy())
            if z == shown and found.stages is not None:
                stages[method] = grid.to_scan(found.stages[0, 0].float().cpu().numpy())
    names = tuple(labels[number] for number in asked)
    return ScanExplanation(scan, names, maps, probabilities, chosen, shown, stages)


def _settings(segmenter: Segmenter, method: str, preset: str) -> MapSettings:
    own = segmenter.settings
    if (own.method, own.preset) == (method, preset):
        return own.map_settings
    return fit_stages(choose_settings(method, preset), find_anatomy(segmenter.checkpoint.model).stages)


def _choose(
    probabilities: Float[np.ndarray, "targets slices"], gate: float, shown: int | None
) -> tuple[Int[np.ndarray, " explained"], int]:
    count = probabilities.shape[1]
    if shown is None:
        shown = int(probabilities[0].argmax())
    if not 0 <= shown < count:
        raise UsageError(f"slice {shown} is not in the scan; it has slices 0 to {count - 1}")
    positive = np.asarray((probabilities >= gate).any(axis=0))
    positive[shown] = True
    return np.flatnonzero(positive), shown

"""Slices to look at, and how long each method takes for one (Rasoulian et al. 2023, figures 3 and 4, section 4)."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import nn

from ichnos.cohorts.case import LabelledScan
from ichnos.cohorts.folds import read_folds
from ichnos.cohorts.slice_store import BLEED, load_store
from ichnos.evaluation.published import MILLISECONDS_PER_SLICE
from ichnos.evaluation.reproduction.cohort_stages import open_test_cohort
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.reproduction.traces import load_method
from ichnos.evaluation.tables import Table
from ichnos.evaluation.timing import name_hardware, relate, time_methods
from ichnos.maps.methods import explain
from ichnos.metrics.binarise import binarise
from ichnos.models.outputs import find_bleed_output
from ichnos.runtime.device import choose_device
from ichnos.runtime.files import replacing
from ichnos.segmentation.segmenter import Segmenter

_TIMED_AGAINST = "U-Net"


def draw_slices(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`slices.npz`: in a few scans the slice with most blood, its label, and what each method predicts there.

    The scans are those with most blood of each fold in turn, so that nobody chose them by how they came out.
    """
    folds = _folds(needs)
    thresholds = json.loads((needs["results"] / "thresholds.json").read_text(encoding="utf-8"))
    cohort = open_test_cohort(needs["test"])
    chosen = choose_cases(needs["test"], folds, settings["slices"])
    arrays: dict[str, Any] = {"names": np.array(chosen), "methods": np.array(list(settings["methods"]))}
    for row, name in enumerate(chosen):
        labelled = cohort.load(next(case for case in cohort.cases if case.case == name))
        z = _fullest(labelled)
        arrays[f"hu-{row}"] = labelled.scan.voxels_hu[z].astype(np.float32)
        arrays[f"label-{row}"] = _unite(labelled)[z]
        for column, (title, how) in enumerate(settings["methods"].items()):
            segmenter = load_for(needs, {**how, "device": settings["device"]}, folds[name])
            evidence = segmenter.gather(labelled.scan)
            threshold = thresholds[title][folds[name]]
            arrays[f"predicted-{row}-{column}"] = binarise(evidence.map[z], evidence.allowed[z], threshold)
    with replacing(own / "slices.npz") as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    return {"cases": chosen}


def choose_cases(stage: Path, folds: Mapping[str, str], count: int) -> list[str]:
    """Cases with most drawn blood, one of each fold in turn."""
    store = load_store(stage / "store")
    pixels = np.count_nonzero(store.marks[np.arange(len(store))] & BLEED, axis=(1, 2))
    blood = dict(zip(store.names, np.bincount(store.cases, weights=pixels).tolist(), strict=True))
    queues = [
        sorted((name for name in store.names if folds[name] == fold), key=lambda name: (-blood[name], name))
        for fold in sorted(set(folds.values()))
    ]
    turns = [queue[place] for place in range(max(map(len, queues))) for queue in queues if place < len(queue)]
    return [name for name in turns if blood[name] > 0][:count]


def time_slices(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`parts.json`: milliseconds a slice of network and map, warm, one slice at a time, and their ratios."""
    device = choose_device(settings["device"])
    store = load_store(needs["test"] / "store")
    row = int(np.flatnonzero(store.is_positive)[0])
    slice_hu = store.hu[np.array([row])].astype(np.float32)
    calls = {}
    for title, how in settings["methods"].items():
        segmenter = load_for(needs, {**how, "device": settings["device"]}, next(iter(how["models"])))
        calls[title] = _one_slice(segmenter, slice_hu, device)
    timings = time_methods(calls, device, settings["rounds"])
    ratios = relate(timings, _TIMED_AGAINST)
    base = MILLISECONDS_PER_SLICE[_TIMED_AGAINST]
    size = store.hu.shape[1]
    rows = tuple(
        (
            title,
            f"{MILLISECONDS_PER_SLICE[title]:.0f}" if title in MILLISECONDS_PER_SLICE else "-",
            f"{one.milliseconds:.1f}",
            f"{MILLISECONDS_PER_SLICE[title] / base:.1f}" if title in MILLISECONDS_PER_SLICE else "-",
            f"{ratios[title]:.1f}",
        )
        for title, one in timings.items()
    )
    ours = f"networks of this run, {size} x {size} pixels"
    columns = ("method", "published ms (RTX 3090)", f"ms, {ours}", "published ratio to U-Net", f"ratio, {ours}")
    notes = (
        f"median of {settings['rounds']} rounds after 3 to warm up, batch 1, on {name_hardware(device)}; a slice of "
        f"{settings['measured_on']}",
        "network and map only; reading, resampling and the intracranial mask are not counted",
        "only ratios can be compared, and only where the networks are those of the paper",
    )
    write_parts([Part("Speed", (), (Table("Milliseconds a slice", columns, rows, notes),))], own)
    return {title: round(one.milliseconds, 2) for title, one in timings.items()}


def load_for(needs: Mapping[str, Path], how: Mapping[str, Any], fold: str) -> Segmenter:
    """The method's segmenter for a fold."""
    models = how["models"]
    return load_method(needs[models.get(fold, models.get("all"))], how)


def _one_slice(
    segmenter: Segmenter, slice_hu: Float[np.ndarray, "1 rows columns"], device: torch.device
) -> Callable[[], object]:
    pixels = torch.from_numpy(segmenter.recipe.make_channels(slice_hu)).to(device)
    model: nn.Module = segmenter.checkpoint.model
    if segmenter.checkpoint.kind == "segmenter":
        return lambda: _forward(model, pixels)
    target = find_bleed_output(segmenter.checkpoint.labels)
    return lambda: explain(model, pixels, segmenter.settings.map_settings, (target,))


def _forward(model: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(pixels)
    return logits


def _folds(needs: Mapping[str, Path]) -> dict[str, str]:
    frozen = read_folds(needs["folds"] / "folds.json")
    return {name: str(fold) for name, fold in zip(frozen.names, frozen.folds, strict=True)}


def _unite(labelled: LabelledScan) -> Bool[np.ndarray, "slices rows columns"]:
    label = np.zeros(labelled.scan.voxels_hu.shape, bool)
    for voxels in (labelled.bleed_masks or {}).values():
        label |= voxels
    return label


def _fullest(labelled: LabelledScan) -> int:
    return int(_unite(labelled).sum(axis=(1, 2)).argmax())

"""One pass of several models over the phantoms of a family; a scan is a file, so that a pass goes on where it was."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from ichnos.cohorts.case import LabelledScan
from ichnos.evaluation.case_score import CaseScore, score_case
from ichnos.evaluation.evidence.families import choose_family, to_labelled
from ichnos.evaluation.predictions import Prediction
from ichnos.evaluation.reproduction.training_stage import CHECKPOINT
from ichnos.runtime.files import write_json
from ichnos.segmentation.segmenter import Segmenter, load_segmenter


class JudgedScan(BaseModel):
    """What a model made of a scan.

    Attributes:
        score: as of any cohort.
        drawn_ml: blood by subtype.
        found_ml: how much of it the mask covers, whatever the model calls it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: CaseScore
    drawn_ml: dict[str, float]
    found_ml: dict[str, float]


Judged = dict[str, list[JudgedScan]]
"""By model, in the order of seeds."""


def judge_family(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`scans/SEED.json`: what each model makes of each phantom.

    Args:
        own: folder of the stage.
        needs: folders of other stages.
        settings: `family`, `first_seed`, `count`, `slices`, `size`, `device`; `models`, for each title a bundled
            model's or checkpoint folder's `model`, or a `stage` in `needs` that trained one.
    """
    family = choose_family(settings["family"])
    segmenters: dict[str, Segmenter] = {}
    for seed in range(settings["first_seed"], settings["first_seed"] + settings["count"]):
        path = own / "scans" / f"{seed}.json"
        if path.is_file():
            continue
        segmenters = segmenters or load_judged_models(needs, settings)
        labelled = to_labelled(settings["family"], family.make(seed, settings["slices"], settings["size"]))
        judged = {title: judge_scan(one, labelled).model_dump(mode="json") for title, one in segmenters.items()}
        write_json(path, judged)
    return {"scans": settings["count"]}


def judge_scan(segmenter: Segmenter, labelled: LabelledScan) -> JudgedScan:
    """Segment a scan and compare."""
    result = segmenter(labelled.scan)
    predicted, geometry = result.bleed_mask.voxels, labelled.scan.geometry
    masks = labelled.bleed_masks or {}
    detected = np.asarray(result.slice_probabilities >= segmenter.detection_threshold)
    prediction = Prediction(predicted, np.asarray(result.slice_probabilities, np.float64), detected)
    return JudgedScan(
        score=score_case(labelled, prediction),
        drawn_ml={name: geometry.volume_ml(mask) for name, mask in masks.items()},
        found_ml={name: geometry.volume_ml(mask & predicted) for name, mask in masks.items()},
    )


def read_judged(stage: Path) -> Judged:
    """What a finished `judge_family` wrote."""
    judged: Judged = {}
    for path in sorted((stage / "scans").glob("*.json")):
        for title, content in json.loads(path.read_text(encoding="utf-8")).items():
            judged.setdefault(title, []).append(JudgedScan.model_validate(content))
    return judged


def load_judged_models(needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Segmenter]:
    """By title: a bundled model or checkpoint folder, or what a stage trained (see `judge_family`)."""
    places = {
        title: needs[model["stage"]] / CHECKPOINT if "stage" in model else model["model"]
        for title, model in settings["models"].items()
    }
    return {title: load_segmenter(place, settings["device"]) for title, place in places.items()}

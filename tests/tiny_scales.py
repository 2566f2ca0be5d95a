"""The smallest experiments that go through all stages: seconds each; and traces made by hand."""

import json

import numpy as np

from ichnos.evaluation.reproduction.hgi_sam_scale import HGI_SAM_SCALES
from ichnos.evaluation.reproduction.label_efficient_scale import LABEL_EFFICIENT_SCALES
from ichnos.evaluation.reproduction.scale import HgiSamScale, LabelEfficientScale, Phantoms, RecipeChoice, merge
from ichnos.evaluation.reproduction.traces import CaseTrace, save_trace

WORLD = {
    "slices": 8,
    "rows": 64,
    "columns": 64,
    "gap_mm": [10.0, 20.0],
    "subtypes": ["intraparenchymal"],
    "noise_hu": [1.5, 3.0],
    "distractors": False,
    "bleed_probability": 1.0,
}
GRID = {"preprocessing": {"image_size": 64}, "data": {"validation_fraction": 0.4}}
SWIN = {
    **GRID,
    "network": {
        "arguments": {"image_size": 64, "tile_size": 4, "depths": [2, 2, 2], "attn_heads": [1, 2, 2], "embed_dim": 8}
    },
    "objective": {"obvious_epochs": 0},
    "optimisation": {"epochs": 1, "batch_size": 4},
}


def tiny_hgi_sam(**changes):
    of = HGI_SAM_SCALES["phantom"].recipes
    recipes = {
        "sam-multi": RecipeChoice(of["sam-multi"].name, merge(of["sam-multi"].changes, SWIN)),
        "sam-binary": RecipeChoice(of["sam-binary"].name, merge(of["sam-binary"].changes, SWIN)),
        "hgi-sam": RecipeChoice(of["hgi-sam"].name, merge(of["hgi-sam"].changes, SWIN)),
        "unet": RecipeChoice(
            of["unet"].name,
            merge(
                of["unet"].changes,
                {
                    **GRID,
                    "network": {"arguments": {"widths": [4, 8, 8, 8]}},
                    "optimisation": {"epochs": 1, "batch_size": 2},
                },
            ),
        ),
        "swin-unetr": RecipeChoice(
            of["swin-unetr"].name,
            merge(of["swin-unetr"].changes, {**GRID, "optimisation": {"epochs": 1, "batch_size": 2}}),
        ),
    }
    given = {
        "name": "tiny",
        "weak_phantoms": Phantoms(10, 10, WORLD),
        "test_phantoms": Phantoms(8, 100, WORLD),
        "recipes": recipes,
        "folds": 2,
        "seeds": (0, 1),
        "repeated": ("unet",),
        "grid": "native",
        "smaller": ("all of it",),
    }
    return HgiSamScale(**{**given, **changes})


def tiny_label_efficient(**changes):
    of = LABEL_EFFICIENT_SCALES["phantom"]
    small = {**GRID, "network": {"arguments": {"width": 4}}, "optimisation": {"epochs": 1, "batch_size": 2}}
    weights = {"objective": {"positive_weights": [1.0] * 7}}  # the tiny world lacks subtypes to count
    pretexts = {
        name: RecipeChoice(
            choice.name, merge(choice.changes, merge(small, weights if name == "multi-label-ce" else {}))
        )
        for name, choice in of.pretexts.items()
    }
    given = {
        "name": "tiny",
        "weak_phantoms": Phantoms(10, 10, WORLD),
        "test_phantoms": Phantoms(16, 100, WORLD),
        "pretexts": pretexts,
        "ich_only": RecipeChoice(of.ich_only.name, merge(of.ich_only.changes, small)),
        "mixed": RecipeChoice(of.mixed.name, merge(of.mixed.changes, small)),
        "fine_tune": RecipeChoice(of.fine_tune.name, merge(of.fine_tune.changes, small)),
        "folds": 2,
        "budgets": (1, 2),
        "budget_fits": {1: {"epochs": 1}, 2: {"epochs": 1}},
        "seeds": (0,),
        "parts": {"pool": 2, "validation": 1, "test": 1},
        "grid": "native",
        "smaller": ("all of it",),
    }
    return LabelEfficientScale(**{**given, **changes})


def make_trace(case, maps, label, labels=None, regions=("everywhere",), probabilities=None):
    """A trace by hand: counts of each threshold taken with plain comparisons."""
    thresholds = np.round(np.linspace(0, 1, 101), 2)
    maps, label = np.asarray(maps, float), np.asarray(label, bool)
    counts = np.zeros((3, len(maps), 101), np.int64)
    for step, threshold in enumerate(thresholds):
        predicted = maps >= threshold
        for row, found in enumerate((predicted & label, predicted & ~label, ~predicted & label)):
            counts[row, :, step] = found.sum(axis=(1, 2))
    given = np.zeros((len(maps), 6), np.int8)
    given[:, 0] = label.any(axis=(1, 2)) if labels is None else labels
    given[:, 2] = given[:, 0]
    sure = maps.max(axis=(1, 2)) if probabilities is None else np.asarray(probabilities, float)
    return CaseTrace(case, f"patient of {case}", given, sure, dict.fromkeys(regions, counts))


def save_traces(traces, stage):
    for trace in traces:
        save_trace(trace, stage / "cases" / f"{trace.case}.npz")


def finish_stage(stage, **figures):
    """As `run_plan` leaves it."""
    stage.mkdir(parents=True, exist_ok=True)
    done = {"digest": "", "seconds": 2.0, "core_seconds": 1.0, "commit": "abc", "figures": figures}
    (stage / "done.json").write_text(json.dumps(done))

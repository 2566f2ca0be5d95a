"""Tables and figures of the first paper's experiment, from traces (Rasoulian et al. 2023, sections 4 and 5)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ichnos.cohorts.folds import read_folds
from ichnos.evaluation.bootstrap import bootstrap_mean
from ichnos.evaluation.effect_size import cohen_d_z
from ichnos.evaluation.figures import draw_calibration, draw_roc, write_figure
from ichnos.evaluation.published import (
    SEGMENTATION_BY_SLICE,
    SEGMENTATION_P_VALUES,
    detection_cells,
    segmentation_by_slice_cells,
)
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.reproduction.order import compare_orders
from ichnos.evaluation.reproduction.plan import read_done
from ichnos.evaluation.reproduction.slice_scores import SliceScores, score_slices
from ichnos.evaluation.reproduction.traces import read_traces
from ichnos.evaluation.significance import compare_pair, holm
from ichnos.evaluation.tables import Table, compare_with_published, with_spread
from ichnos.metrics.calibration import measure_reliability
from ichnos.metrics.detection import RATES, count_detections, roc_auc, trace_roc
from ichnos.runtime.files import write_json

REFERENCE = "Swin-HGI-SAM"
"""The method that all others are tested against."""

SAME_NETWORK = "Swin-Grad-CAM"
"""Explains the network of HGI-SAM, so that it detects the same slices; table 2 leaves it out."""

PUBLISHED_THRESHOLDS = {
    "Swin-Grad-CAM": 0.80,
    "Swin-SAM multi-label": 0.11,
    "Swin-SAM binary": 0.07,
    "Swin-HGI-SAM": 0.06,
}
"""Means over the folds (Rasoulian et al. 2023, section 4)."""

Scores = Mapping[str, Mapping[str, SliceScores]]
"""By method and seed."""


def make_results(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`parts.json`, `tables/` and `pictures/`: all that traces tell; `thresholds.json` of the first seed."""
    frozen = read_folds(needs["folds"] / "folds.json")
    folds = {name: str(fold) for name, fold in zip(frozen.names, frozen.folds, strict=True)}
    scores: Scores = {
        title: {
            seed: score_slices(
                read_traces(needs[stage]),
                folds,
                "brain" if title in settings["weak"] else "everywhere",
                calibrated=title in settings["weak"],
            )
            for seed, stage in by_seed.items()
        }
        for title, by_seed in settings["traces"].items()
    }
    first = {title: next(iter(by_seed.values())) for title, by_seed in scores.items()}
    write_json(own / "thresholds.json", {title: dict(one.thresholds) for title, one in first.items()})
    seconds = {
        title: [sum(read_done(needs[stage])["core_seconds"] for stage in stages) for stages in by_seed.values()]
        for title, by_seed in settings["trained"].items()
    }
    measured_on = settings["measured_on"]
    parts = [
        _tell_segmentation(first, measured_on),
        _tell_tests(first, measured_on),
        _tell_detection(first, measured_on, own),
        _tell_seeds(scores, seconds, measured_on),
    ]
    write_parts(parts, own)
    return {title: round(one.summary("dice").mean, 4) for title, one in first.items()}


def _tell_segmentation(first: Mapping[str, SliceScores], measured_on: str) -> Part:
    ours = {
        title: {
            measure: with_spread(one.summary(measure).mean, one.summary(measure).standard_error)
            for measure in ("dice", "iou")
        }
        for title, one in first.items()
    }
    any_one = next(iter(first.values()))
    notes = (
        f"mean ± standard error over {len(any_one.dice)} slices that bleed, of {len(set(any_one.patients.tolist()))} "
        "scans; published: over 318 slices of 36",
        "no slice is left out: one in which nothing is found counts 0 (missed: "
        + ", ".join(f"{title} {one.missed}" for title, one in first.items())
        + ")",
        "maps are cut to the intracranial mask, at the threshold of the best mean Dice on the other folds; "
        "segmentation networks are cut at one half and see the whole slice",
    )
    table = compare_with_published("Table 1: segmentation", segmentation_by_slice_cells(), ours, measured_on, notes)
    published = {title: SEGMENTATION_BY_SLICE["dice"][title][-1][0] for title in first}
    told = compare_orders(published, {title: one.summary("dice").mean for title, one in first.items()}, measured_on)
    return Part("Segmentation", (told,), (table, _by_fold(first, measured_on), _thresholds(first, measured_on)))


def _by_fold(first: Mapping[str, SliceScores], measured_on: str) -> Table:
    folds = sorted(set(next(iter(first.values())).folds))
    rows = [
        (title, *(with_spread(*_mean_and_error(one, fold)) for fold in folds), with_spread(*_mean_and_error(one, None)))
        for title, one in first.items()
    ]
    names = (*(f"fold {int(fold) + 1}" for fold in folds), "all")
    return Table(
        f"Dice by fold, {measured_on}", ("method", *names), tuple(rows), ("mean ± standard error over slices",)
    )


def _mean_and_error(one: SliceScores, fold: str | None) -> tuple[float, float]:
    summary = one.summary("dice", fold)
    return summary.mean, summary.standard_error


def _thresholds(first: Mapping[str, SliceScores], measured_on: str) -> Table:
    folds = sorted(next(iter(first.values())).thresholds)
    shown = {title: first[title].thresholds for title in PUBLISHED_THRESHOLDS if title in first}
    rows = [
        (
            title,
            f"{PUBLISHED_THRESHOLDS[title]:.2f}",
            *(f"{chosen[fold]:.2f}" for fold in folds),
            f"{np.mean(list(chosen.values())):.3f}",
        )
        for title, chosen in shown.items()
    ]
    names = ("published mean", *(f"fold {int(fold) + 1}, {measured_on}" for fold in folds), f"mean, {measured_on}")
    note = "that of a fold is chosen on slices of the other folds only"
    return Table("Map thresholds", ("method", *names), tuple(rows), (note,))


def _tell_tests(first: Mapping[str, SliceScores], measured_on: str) -> Part:
    reference = first[REFERENCE]
    others = [title for title in first if title != REFERENCE]
    tests = ("paired-t", "sign-flip-by-patient")
    found = {
        test: [compare_pair(reference.dice, first[title].dice, reference.patients, test).p_value for title in others]
        for test in tests
    }
    adjusted = holm(found["sign-flip-by-patient"])
    rows = []
    for place, title in enumerate(others):
        differences = reference.dice - first[title].dice
        interval = bootstrap_mean(differences, reference.patients, seed=0)
        rows.append(
            (
                title,
                f"{SEGMENTATION_P_VALUES[title]:.2g}",
                *(f"{found[test][place]:.2g}" for test in tests),
                f"{adjusted[place]:.2g}",
                f"{interval.value:+.3f} ({interval.low:+.3f} to {interval.high:+.3f})",
                f"{cohen_d_z(differences):+.2f}",
            )
        )
    ours = (
        "p, paired t as in the paper",
        "p, by patient",
        "the same, Holm",
        "difference (95 % by patient)",
        "d_z",
    )
    columns = ("HGI-SAM against", "published p", *(f"{name}, {measured_on}" for name in ours))
    notes = (
        "the paired t-test takes slices of one scan for independent witnesses; read the test by patient, which flips "
        "the sign of whole patients",
        "Holm's correction is over the rows; a positive difference is in favour of HGI-SAM",
    )
    return Part("Is HGI-SAM better?", (), (Table("Dice, two-sided tests", columns, tuple(rows), notes),))


def _tell_detection(first: Mapping[str, SliceScores], measured_on: str, own: Path) -> Part:
    shown = {title: one for title, one in first.items() if title != SAME_NETWORK}
    ours, curves, areas, bins, errors = {}, {}, {}, {}, {}
    for title, one in shown.items():
        matrix = count_detections(*one.detections())
        areas[title] = roc_auc(one.probabilities, one.labels)
        ours[title] = {
            **{rate: f"{getattr(matrix, rate):.3f}" for rate in RATES},
            "real ROC-AUC": f"{areas[title]:.3f}",
        }
        curves[title] = trace_roc(one.probabilities, one.labels)
        reliability = measure_reliability(one.probabilities, one.labels)
        bins[title] = list(
            zip(reliability.mean_probability, reliability.positive_share, reliability.items.tolist(), strict=True)
        )
        errors[title] = reliability.expected_error
    write_figure(draw_roc(curves, areas, measured_on), own / "pictures" / "hgi-sam-roc.png")
    write_figure(draw_calibration(bins, errors, measured_on), own / "pictures" / "hgi-sam-calibration.png")
    any_one = next(iter(shown.values()))
    notes = (
        f"{len(any_one.labels)} slices, {int(any_one.labels.sum())} of which bleed; published: 2,814 and 318",
        "balanced accuracy is what the paper prints as AUC: it was computed from yes-or-no answers",
        "classifiers call a slice from probability 0.5 on, segmentation networks from 10 foreground pixels on",
    )
    table = compare_with_published("Table 2: detection of slices", detection_cells(), ours, measured_on, notes)
    pictures = (
        ("hgi-sam-roc.png", f"ROC curves of slice detection, {measured_on}."),
        ("hgi-sam-calibration.png", f"Probability against share of slices that bleed, {measured_on}; ten bins."),
    )
    return Part("Detection", (), (table,), pictures)


def _tell_seeds(scores: Scores, seconds: Mapping[str, list[float]], measured_on: str) -> Part:
    rows = []
    for title, by_seed in scores.items():
        dice = [one.summary("dice").mean for one in by_seed.values()]
        areas = [roc_auc(one.probabilities, one.labels) for one in by_seed.values()]
        rows.append(
            (
                title,
                str(len(by_seed)),
                _spread(dice),
                " ".join(f"{value:.3f}" for value in dice),
                _spread(areas),
                " ".join(f"{value:.3f}" for value in areas),
                f"{np.mean(seconds[title]):.0f}",
            )
        )
    columns = ("method", "seeds", "Dice, mean ± SD", "by seed", "ROC-AUC, mean ± SD", "by seed", "training, s")
    notes = (
        "each seed trains anew on the same data; the tables above show the first",
        "training: seconds of one core, all networks that a method stands on together",
    )
    return Part("Over seeds", (), (Table(f"Spread over seeds, {measured_on}", columns, tuple(rows), notes),))


def _spread(values: list[float]) -> str:
    return with_spread(float(np.mean(values)), float(np.std(values, ddof=1))) if len(values) > 1 else f"{values[0]:.3f}"

"""From raw scores to the figures of a protocol, each with its policy and the counts that it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float

from ichnos.errors import UsageError
from ichnos.evaluation.bootstrap import bootstrap_mean
from ichnos.evaluation.case_score import CaseScore
from ichnos.evaluation.measures import Item, choose_items, list_items, measure_all
from ichnos.evaluation.protocols import Protocol, View
from ichnos.evaluation.score import Scores
from ichnos.metrics.calibration import measure_reliability
from ichnos.metrics.detection import RATES, ConfusionMatrix, count_detections, roc_auc
from ichnos.metrics.empty_policy import Summary, choose_policy, summarise_values
from ichnos.metrics.volumes import compare_bland_altman, measure_concordance

SEED = 0
"""Of bootstrap intervals."""

LARGE_ML = 30.0
"""From this volume on a bleed is large: the ICH score gives it a point (Hemphill et al. 2001)."""


@dataclass(frozen=True)
class Figure:
    """Mean of a measure.

    Attributes:
        measure: name in `measures.MEASURES`.
        view: which items entered.
        fold: name of a fold; empty for all.
        summary: mean, spread and counts.
        patients: behind the scored items.
        low: lower end of the 95 % interval by patient; NaN unless the protocol asks for it and two patients are there.
        high: upper end.
    """

    measure: str
    view: View
    fold: str
    summary: Summary
    patients: int
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True)
class Detection:
    """Yes-or-no answers and probabilities against labels.

    Attributes:
        unit: slice or scan.
        fold: name of a fold; empty for all.
        matrix: of yes-or-no answers.
        roc_auc: of probabilities; NaN without them or with labels of one kind.
        calibration_error: expected, ten bins; NaN without probabilities.
    """

    unit: Literal["slice", "scan"]
    fold: str
    matrix: ConfusionMatrix
    roc_auc: float
    calibration_error: float


@dataclass(frozen=True)
class Result:
    """Figures under one protocol.

    Attributes:
        protocol: how they were made.
        policy: worth of empty masks; the protocol's own unless another was asked for.
        cases: how many were scored.
        patients: of how many patients.
        figures: overlap, surfaces, lesions.
        detections: answers per slice and scan.
        volumes: agreement in mL, by name; empty unless the protocol asks for it.
        notes: what must be known to read them.
    """

    protocol: Protocol
    policy: str
    cases: int
    patients: int
    figures: tuple[Figure, ...]
    detections: tuple[Detection, ...]
    volumes: dict[str, float]
    notes: tuple[str, ...]

    def find(self, measure: str, view: View, fold: str = "") -> Figure:
        """The figure of that measure, view and fold."""
        return next(one for one in self.figures if (one.measure, one.view, one.fold) == (measure, view, fold))


def summarise_scores(
    scores: Scores, protocol: Protocol, policy: str | None = None, folds: Mapping[str, str] | None = None
) -> Result:
    """Figures of a protocol.

    Args:
        scores: raw ones.
        protocol: how to count.
        policy: of empty masks, instead of the protocol's own; the result says so.
        folds: name of the fold in which each case was tested.

    Raises:
        UsageError: no such policy, nothing was scored, or a case without a fold.
    """
    chosen, folds = policy or protocol.policy, folds or {}
    choose_policy(chosen)
    cases = scores.cases
    if not cases:
        raise UsageError("no case was scored, so that there is nothing to summarise; see the reasons in scores.json")
    without = [score.case for score in cases if score.case not in folds]
    if folds and without:
        raise UsageError(
            f"{len(without)} case(s) have no fold: {', '.join(without[:5])}; add them to the table of folds"
        )
    names = sorted(set(folds.values()) & {folds.get(score.case, "") for score in cases}) if protocol.by_fold else []
    return Result(
        protocol=protocol,
        policy=chosen,
        cases=len(cases),
        patients=len({score.patient for score in cases}),
        figures=tuple(_make_figures(list_items(scores.with_masks, protocol, folds), protocol, chosen, ["", *names])),
        detections=tuple(
            _detect([score for score in cases if fold in ("", folds.get(score.case))], unit, fold, protocol)
            for unit in protocol.detection
            for fold in ("", *names)
        ),
        volumes=_agree(scores.with_masks) if protocol.measures_volumes and scores.with_masks else {},
        notes=(*scores.notes, *_tell(scores, protocol, chosen)),
    )


def to_plain(result: Result) -> dict[str, Any]:
    """A result as plain values for JSON; None where there was nothing to measure or a figure is infinite."""
    detections = [
        {**asdict(one), **{rate: getattr(one.matrix, rate) for rate in RATES}, "undefined": one.matrix.undefined}
        for one in result.detections
    ]
    plain: dict[str, Any] = _without_nan({**asdict(result), "detections": detections})
    return plain


def _make_figures(items: Sequence[Item], protocol: Protocol, policy: str, folds: Sequence[str]) -> list[Figure]:
    figures = []
    for view in protocol.views:
        chosen = choose_items(items, view)
        for fold in folds if items else ():
            inside = [item for item in chosen if fold in ("", item.fold)]
            figures += [_make_figure(inside, name, view, fold, (protocol.spread, policy)) for name in protocol.measures]
    return figures


def _make_figure(items: Sequence[Item], name: str, view: View, fold: str, how: tuple[str, str]) -> Figure:
    spread, policy = how
    values = measure_all(items, name, policy)
    summary = summarise_values(
        values,
        both_empty=sum(item.overlap.is_empty for item in items),
        missed=sum(item.overlap.is_missed for item in items),
        invented=sum(item.overlap.is_invented for item in items),
    )
    counted = ~np.isnan(values)
    patients = np.unique([item.patient for item in items], return_inverse=True)[1][counted]
    number = len(set(patients.tolist()))
    if spread != "interval" or number < 2:
        return Figure(name, view, fold, summary, number)
    interval = bootstrap_mean(values[counted], patients, SEED)
    return Figure(name, view, fold, summary, number, interval.low, interval.high)


def _detect(cases: Sequence[CaseScore], unit: Literal["slice", "scan"], fold: str, protocol: Protocol) -> Detection:
    labels, called, probabilities = [], [], []
    for score in cases:
        marks = [
            one.counts[protocol.grid].tp + one.counts[protocol.grid].fp >= protocol.minimum_pixels
            if one.detected is None
            else one.detected
            for one in score.slices
        ]
        told = [one.label for one in score.slices]
        sure = [float("nan") if one.probability is None else one.probability for one in score.slices]
        labels += told if unit == "slice" else [score.bleeds]
        called += marks if unit == "slice" else [any(marks)]
        probabilities += sure if unit == "slice" else [max(sure)]
    kept = np.array([label is not None for label in labels], bool)
    answers = np.array(called, bool)[kept], np.array(probabilities, float)[kept]
    return _compare(*answers, np.array(labels)[kept].astype(bool), (unit, fold))


def _compare(
    called: Bool[np.ndarray, " items"],
    probabilities: Float[np.ndarray, " items"],
    labels: Bool[np.ndarray, " items"],
    what: tuple[Literal["slice", "scan"], str],
) -> Detection:
    auc = error = float("nan")
    if not np.isnan(probabilities).any():
        auc, error = roc_auc(probabilities, labels), measure_reliability(probabilities, labels).expected_error
    return Detection(*what, count_detections(called, labels), auc, error)


def _agree(cases: Sequence[CaseScore]) -> dict[str, float]:
    predicted, label = (np.array([getattr(one, name) for one in cases]) for name in ("predicted_ml", "label_ml"))
    found = {
        "scans": float(len(cases)),
        "median_absolute_error_ml": float(np.median(np.abs(predicted - label))),
        "same_side_of_30_ml": float(np.mean((predicted >= LARGE_ML) == (label >= LARGE_ML))),
        "mean_invented_ml": float(predicted[label == 0].mean()) if (label == 0).any() else float("nan"),
    }
    if len(cases) < 2:
        return found
    limits, concordance = compare_bland_altman(predicted, label), measure_concordance(predicted, label)
    return {
        **found,
        "bias_ml": limits.bias_ml.estimate,
        "lower_limit_ml": limits.lower_limit_ml.estimate,
        "upper_limit_ml": limits.upper_limit_ml.estimate,
        "concordance": concordance.estimate,
        "concordance_low": concordance.low,
        "concordance_high": concordance.high,
    }


def _tell(scores: Scores, protocol: Protocol, policy: str) -> list[str]:
    own = "" if policy == protocol.policy else f"; the protocol's own is {protocol.policy}"
    told = [
        f"protocol {protocol.name} ({protocol.source}); an item is a {protocol.unit}, grid: {protocol.grid}",
        f"empty masks: {policy}{own}",
        f"{len(scores.cases)} cases of {len({score.patient for score in scores.cases})} patients",
    ]
    if any(one.probability is not None for score in scores.cases for one in score.slices):
        told.append("ROC-AUC is of probabilities; balanced accuracy is what Rasoulian et al. 2023 print as AUC")
    alone = [score.case for score in scores.cases if not score.has_masks]
    if alone:
        named = ", ".join(alone[:5])
        told.append(f"{len(alone)} cases have no drawn or no predicted mask and enter detection only: {named}")
    unknown = sum(one.label is None for score in scores.cases for one in score.slices)
    if unknown and protocol.detection:
        told.append(f"{unknown} slices that nobody labelled do not enter detection by slice")
    if scores.left_out:
        told.append(f"{len(scores.left_out)} cases were left out: {', '.join(sorted(scores.left_out)[:5])}")
    return told


def _without_nan(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value

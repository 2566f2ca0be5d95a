"""Figures of a protocol as tables."""

import math

from ichnos.evaluation.summarise import Detection, Figure, Result
from ichnos.evaluation.tables import Table, with_spread
from ichnos.metrics.detection import RATES

_BLANK = "-"


def make_tables(result: Result, title: str) -> list[Table]:
    """Overlap and distances; then detection and volumes where the protocol has them.

    Args:
        result: under one protocol.
        title: what was evaluated, one line.
    """
    tables = [_figures(result, title)]
    if result.detections:
        tables.append(_detections(result, title))
    if result.volumes:
        rows = tuple((name.replace("_", " "), _number(value)) for name, value in result.volumes.items())
        note = "predicted minus labelled; 95 % limits of agreement (Bland-Altman), concordance after Lin"
        tables.append(Table(f"{title}: volumes", ("figure", "value"), rows, (note,)))
    return tables


def _figures(result: Result, title: str) -> Table:
    spread = {"interval": "95 % interval by patient"}.get(result.protocol.spread, result.protocol.spread)
    columns = (
        "measure",
        "items",
        "fold",
        f"mean, {spread}",
        "n",
        "patients",
        "left out",
        "empty",
        "missed",
        "invented",
    )
    rows = tuple(
        (
            one.measure.replace("_", " "),
            f"{one.view} {result.protocol.unit}s",
            one.fold or "all",
            _mean(one, result.protocol.spread),
            *map(str, (one.summary.scored, one.patients, one.summary.excluded)),
            *map(str, (one.summary.both_empty, one.summary.missed, one.summary.invented)),
        )
        for one in result.figures
    )
    return Table(f"{title}: {result.protocol.name} protocol, empty masks {result.policy}", columns, rows, result.notes)


def _detections(result: Result, title: str) -> Table:
    columns = ("unit", "fold", "TP", "TN", "FP", "FN", *(rate.replace("_", " ") for rate in RATES), "ROC-AUC", "ECE")
    rows = tuple(_detection(one) for one in result.detections)
    rule = f"without a told answer, positive from {result.protocol.minimum_pixels} foreground pixels on"
    return Table(f"{title}: detection, {result.protocol.name} protocol", columns, rows, (rule,))


def _detection(one: Detection) -> tuple[str, ...]:
    matrix = one.matrix
    counts = (matrix.true_positive, matrix.true_negative, matrix.false_positive, matrix.false_negative)
    rates = (*(getattr(matrix, rate) for rate in RATES), one.roc_auc, one.calibration_error)
    return (one.unit, one.fold or "all", *map(str, counts), *map(_number, rates))


def _mean(figure: Figure, spread: str) -> str:
    summary = figure.summary
    if spread == "interval":
        if math.isnan(figure.low):
            return _number(summary.mean)
        return f"{_number(summary.mean)} ({_number(figure.low)} to {_number(figure.high)})"
    width = summary.standard_error if spread == "SE" else summary.deviation
    return _number(summary.mean) if math.isnan(width) else with_spread(summary.mean, width)


def _number(value: float) -> str:
    return _BLANK if math.isnan(value) else f"{value:.3f}"

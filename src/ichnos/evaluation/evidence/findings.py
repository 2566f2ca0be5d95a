"""Tables of what judged models are worth: as a whole, by subtype, by size of the bleed, and in scans without blood."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ichnos.evaluation.evidence.judged import Judged, JudgedScan
from ichnos.evaluation.protocols import PROTOCOLS
from ichnos.evaluation.score import Scores
from ichnos.evaluation.summarise import Result, summarise_scores
from ichnos.evaluation.tables import Table, with_spread
from ichnos.metrics.empty_policy import summarise_overlaps
from ichnos.phantoms import SUBTYPES

POLICY = "excluded"
"""Of empty masks: means of Dice are over what bleeds; there a missed bleed counts 0."""

SIZES_ML = ((0.0, 1.0), (1.0, 5.0), (5.0, 30.0), (30.0, float("inf")))
"""Classes of a scan's whole bleed; 30 mL is where the ICH score gives a point (Hemphill et al. 2001)."""

_BLANK = "-"


def tell_whole(judged: Judged, measured_on: str) -> Table:
    """One row a model."""
    columns = (
        "model",
        "slice ROC-AUC",
        "Dice, bleeding slices",
        "Dice, bleeding scans",
        "volume error, mL",
        "bias, mL",
        "invented, mL",
        "most invented, mL",
        "silent",
    )
    rows = tuple((title, *_whole(scans)) for title, scans in judged.items())
    first = next(iter(judged.values()))
    slices = [one.label for scan in first for one in scan.score.slices]
    notes = (
        f"{len(first)} scans, {sum(scan.score.label_ml == 0 for scan in first)} of them without blood; "
        f"{len(slices)} slices, {sum(map(bool, slices))} of which bleed",
        f"Dice: mean ± standard error over slices (scans) in which blood is drawn, on the scan's own grid; a missed "
        f"bleed counts 0; what was invented elsewhere stands under invented (policy {POLICY})",
        "volume error: median of the absolute error in scans that bleed; bias: mean of predicted minus drawn in them",
        "invented: mean in scans without blood; silent: share of them in which nothing was called blood",
    )
    return Table(f"Measured on {measured_on}", columns, rows, notes)


def tell_subtypes(judged: Judged, measured_on: str) -> Table:
    """For each subtype, Dice where it is alone, and how much of it is found wherever it is."""
    rows = []
    for subtype in SUBTYPES:
        cells = []
        for scans in judged.values():
            alone = [scan for scan in scans if set(scan.drawn_ml) == {subtype}]
            cells += [_dice(alone), _found(scans, subtype)]
        first = next(iter(judged.values()))
        counts = (
            str(sum(set(scan.drawn_ml) == {subtype} for scan in first)),
            str(sum(subtype in scan.drawn_ml for scan in first)),
        )
        rows.append((subtype, *counts, *cells))
    columns = [f"{title}: {what}" for title in judged for what in ("Dice alone", "found")]
    return Table(
        f"By subtype, measured on {measured_on}",
        ("subtype", "scans with it alone", "scans with it", *columns),
        tuple(rows),
        (
            "Dice alone: mean over scans that hold no other subtype; a missed bleed counts 0",
            "found: share of the subtype's volume in all scans together that the mask covers, whatever it is called",
        ),
    )


def tell_sizes(judged: Judged, measured_on: str) -> Table:
    """For each class of size, Dice and error of the volume."""
    rows = []
    for low, high in SIZES_ML:
        inside = {
            title: [scan for scan in scans if scan.score.label_ml > 0 and low <= scan.score.label_ml < high]
            for title, scans in judged.items()
        }
        cells = [cell for scans in inside.values() for cell in (_dice(scans), _error(scans))]
        name = f"{low:g} to {high:g} mL" if np.isfinite(high) else f"{low:g} mL and more"
        rows.append((name, str(len(next(iter(inside.values())))), *cells))
    columns = [f"{title}: {what}" for title in judged for what in ("Dice", "error, mL")]
    notes = ("size of all blood in the scan; Dice: mean over scans, a missed bleed counts 0; error: median, absolute",)
    return Table(f"By size, measured on {measured_on}", ("blood in the scan", "scans", *columns), tuple(rows), notes)


def summarise_judged(scans: Sequence[JudgedScan]) -> tuple[Result, Result]:
    """Figures by slice and by scan, of the protocols that hold for any cohort."""
    scores = Scores(tuple(scan.score for scan in scans), {})
    by_slice = replace(PROTOCOLS["hgi-sam"], name="slices", grid="native", measures=("dice",), by_fold=False)
    by_scan = replace(PROTOCOLS["ichnos"], measures=("dice",), by_fold=False)
    return summarise_scores(scores, by_slice, POLICY), summarise_scores(scores, by_scan, POLICY)


def _whole(scans: Sequence[JudgedScan]) -> tuple[str, ...]:
    by_slice, by_scan = summarise_judged(scans)
    auc = next(one.roc_auc for one in by_scan.detections if one.unit == "slice" and not one.fold)
    bleeding = [scan for scan in scans if scan.score.label_ml > 0]
    errors_ml = np.array([scan.score.predicted_ml - scan.score.label_ml for scan in bleeding])
    invented_ml = np.array([scan.score.predicted_ml for scan in scans if scan.score.label_ml == 0])
    of_slices, of_scans = by_slice.find("dice", "bleeding").summary, by_scan.find("dice", "bleeding").summary
    return (
        _cell(auc, 3),
        with_spread(of_slices.mean, of_slices.standard_error, 2),
        with_spread(of_scans.mean, of_scans.standard_error, 2),
        _error(bleeding),
        f"{errors_ml.mean():+.1f}" if len(errors_ml) else _BLANK,
        _cell(invented_ml.mean(), 2) if len(invented_ml) else _BLANK,
        _cell(invented_ml.max(), 1) if len(invented_ml) else _BLANK,
        f"{np.mean(invented_ml == 0):.0%}" if len(invented_ml) else _BLANK,
    )


def _dice(scans: Sequence[JudgedScan]) -> str:
    if not scans:
        return _BLANK
    return _cell(summarise_overlaps([scan.score.overlap("native") for scan in scans], "dice", POLICY).mean, 2)


def _error(scans: Sequence[JudgedScan]) -> str:
    errors_ml = [abs(scan.score.predicted_ml - scan.score.label_ml) for scan in scans]
    return _cell(float(np.median(errors_ml)), 1) if errors_ml else _BLANK


def _found(scans: Sequence[JudgedScan], subtype: str) -> str:
    drawn_ml = sum(scan.drawn_ml.get(subtype, 0.0) for scan in scans)
    found_ml = sum(scan.found_ml.get(subtype, 0.0) for scan in scans)
    return f"{found_ml / drawn_ml:.0%}" if drawn_ml else _BLANK


def _cell(value: float, digits: int) -> str:
    return _BLANK if np.isnan(value) else f"{value:.{digits}f}"

"""A table of networks that were trained in different ways: a row for each way, means over training seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ichnos.evaluation.evidence.families import FAMILIES, FIRST_SEED
from ichnos.evaluation.evidence.findings import summarise_judged
from ichnos.evaluation.evidence.judged import Judged, JudgedScan, judge_family, read_judged
from ichnos.evaluation.evidence.real_scans import RealFinding, look_at_scans, read_findings
from ichnos.evaluation.reproduction.plan import Stage
from ichnos.evaluation.tables import Table, with_spread


@dataclass(frozen=True)
class Compared:
    """What was found with every network.

    Attributes:
        judged: on phantoms of the second family, by title.
        real: on real scans without blood; None where there were none.
    """

    judged: Judged
    real: Sequence[RealFinding] | None


def plan_comparison(
    name: str, models: Mapping[str, Mapping[str, str]], trained: tuple[str, ...], scans: int, real: str | None
) -> list[Stage]:
    """`judge-NAME` and, where there is a real scan, `real-NAME`.

    Args:
        name: of what is compared.
        models: by title, as of `judge_family`.
        trained: stages that train them.
        scans: phantoms of the second family.
        real: a scan or a folder of scans without blood.
    """
    shared = {"models": models, "device": "cpu"}
    judging = {"family": "grown", "first_seed": FIRST_SEED, "count": scans, "slices": 16, "size": 160, **shared}
    seconds = 4.0 * scans + 0.5 * len(models) * scans
    stages = [Stage(f"judge-{name}", judge_family, judging, trained, seconds=seconds)]
    if real:
        stages.append(Stage(f"real-{name}", look_at_scans, {"folder": real, **shared}, trained, seconds=30.0))
    return stages


def read_compared(needs: Mapping[str, Path], names: Sequence[str]) -> Compared:
    """What the stages of `plan_comparison` wrote, under one or more names."""
    judged: Judged = {}
    real: list[RealFinding] = []
    for name in names:
        judged |= read_judged(needs[f"judge-{name}"])
        real += read_findings(needs[f"real-{name}"]) if f"real-{name}" in needs else []
    return Compared(judged, real or None)


def tell_comparison(
    title: str, first_column: str, rows: Mapping[str, Sequence[str]], compared: Compared, notes: Sequence[str]
) -> tuple[Table, dict[str, Any]]:
    """The table, and the figures of each row: for each network Dice, ROC-AUC and invented mL.

    Args:
        title: of the table.
        first_column: what rows are.
        rows: titles of the networks that a row stands for, one a training seed.
        compared: what was found.
        notes: below the table, after a line on what was judged.
    """
    figures = {row: np.array([_measure(compared.judged[one]) for one in titles]) for row, titles in rows.items()}
    cells = {
        row: [_spread(column, digits) for column, digits in zip(measured.T, (2, 3, 1), strict=True)]
        for row, measured in figures.items()
    }
    columns = [first_column, "Dice, bleeding slices", "slice ROC-AUC", "invented, mL"]
    if compared.real is not None:
        columns.append("real scan without blood, mL")
        for row, titles in rows.items():
            on_real = [sum(one.volume_ml for one in compared.real if one.model == title) for title in titles]
            cells[row].append(_spread(np.array(on_real), 1))
    first = next(iter(compared.judged.values()))
    judged_on = (
        f"judged on {len(first)} scans: {FAMILIES['grown'].title}; in the "
        f"{sum(scan.score.label_ml == 0 for scan in first)} of them without blood mL are invented"
    )
    table = Table(title, tuple(columns), tuple((row, *told) for row, told in cells.items()), (judged_on, *notes))
    return table, {row: measured.tolist() for row, measured in figures.items()}


def tell_seeds(count: int) -> str:
    """A note on how many trainings a row stands for."""
    if count == 1:
        return "one training seed: another may reorder the rows, so none is shown to be better than another"
    return f"{count} training seeds: mean, and standard deviation between seeds"


def _measure(scans: Sequence[JudgedScan]) -> tuple[float, float, float]:
    by_slice, by_scan = summarise_judged(scans)
    auc = next(one.roc_auc for one in by_scan.detections if one.unit == "slice")
    return by_slice.find("dice", "bleeding").summary.mean, auc, by_scan.volumes["mean_invented_ml"]


def _spread(values: Float[np.ndarray, " seeds"], digits: int) -> str:
    mean = float(values.mean())
    return with_spread(mean, float(values.std(ddof=1)), digits) if len(values) > 1 else f"{mean:.{digits}f}"

"""A table of what a detector said of each slice, for tools that give no masks.

    case,z,probability,called
    a1,0,0.03,0

`instance_uid` may stand in place of `z` (0 at the feet), and one of `probability` and `called` is enough.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ichnos.cohorts.readers.layout import few
from ichnos.cohorts.readers.tables import Row, read_table, read_yes_no
from ichnos.errors import CohortError, UsageError
from ichnos.evaluation.predictions import Prediction
from ichnos.scans.scan import Scan

CALLED_FROM = 0.5
"""Slices of this probability or more are called, where the table has no column `called`."""

KEYS = ("z", "instance_uid")


@dataclass(frozen=True)
class Answer:
    """Of one slice.

    Attributes:
        probability: P(bleed); None where it was not told.
        called: whether it was called bleeding.
    """

    probability: float | None
    called: bool


@dataclass(frozen=True)
class SliceAnswers:
    """A table of answers.

    Attributes:
        path: of the table.
        key: in `KEYS`.
        cases: answers by key of the slice, by case.
    """

    path: Path
    key: str
    cases: Mapping[str, Mapping[str, Answer]]


def read_answers(path: Path) -> SliceAnswers:
    """Read a table of answers.

    Raises:
        UsageError: not there, a column missing, a cell that cannot be understood, or a slice told twice.
    """
    try:
        table = read_table(path, ["case"])
        names = {name.lower().replace("_", "") for name in table.columns}
        keys = [key for key in KEYS if key.replace("_", "") in names]
        if len(keys) != 1 or not names & {"probability", "called"}:
            raise UsageError(f"{path}: needs the columns case, one of {' and '.join(KEYS)}, and probability or called")
        cases: dict[str, dict[str, Answer]] = {}
        for row in table.rows:
            told = cases.setdefault(row["case"], {})
            if row[keys[0]] in told:
                raise row.error(keys[0], f"slice {row[keys[0]]} of {row['case']} stands there twice; keep one")
            told[row[keys[0]]] = _answer(row)
    except CohortError as error:
        raise UsageError(str(error)) from error
    return SliceAnswers(path, keys[0], cases)


def answer_slices(answers: SliceAnswers, case: str, scan: Scan) -> Prediction:
    """Answers of a case in the order of its slices.

    Raises:
        UsageError: a slice without an answer, or an answer without a slice.
    """
    told = answers.cases[case]
    keys = [str(z) for z in range(len(scan.voxels_hu))] if answers.key == "z" else list(scan.source.instance_uids)
    lacking, strange = [key for key in keys if key not in told], sorted(told.keys() - set(keys))
    if lacking or strange or not keys:
        raise UsageError(
            f"{answers.path}: case {case} has {len(keys)} slices with {answers.key}; without an answer: "
            f"{few(lacking) or 'none'}; answers without a slice: {few(strange) or 'none'}"
        )
    ordered = [told[key] for key in keys]
    sure = [one.probability for one in ordered if one.probability is not None]
    return Prediction(
        None,
        np.array(sure, dtype=float) if len(sure) == len(ordered) else None,
        np.array([one.called for one in ordered], dtype=bool),
    )


def _answer(row: Row) -> Answer:
    called, cell = read_yes_no(row, "called"), row.get("probability")
    try:
        probability = float(cell) if cell else None
    except ValueError as error:
        raise row.error("probability", f"{cell!r} is not a number; write one of 0 to 1") from error
    if probability is not None and not 0.0 <= probability <= 1.0:
        raise row.error("probability", f"{cell} is not within 0 to 1; write probabilities, not logits or percent")
    if called is None and probability is None:
        raise row.error("probability", "neither probability nor call; fill one, or leave the whole case out")
    if called is None:
        called = probability is not None and probability >= CALLED_FROM
    return Answer(probability, called)

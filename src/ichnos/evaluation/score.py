"""Score predictions on a cohort, one case in memory at a time; resumable, and never stopped by one bad case.

cases/CASE.json   everything that was measured of a case; kept if the same command runs again
scores.csv        a row for each case with a drawn and a predicted mask
slices.csv        a row for each slice
scores.json       what was scored, and every case that was not, with the reason; written last
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ichnos.cohorts.case import Case, Cohort, LabelledScan
from ichnos.cohorts.slice_store import UNKNOWN
from ichnos.errors import IchnosError, UsageError
from ichnos.evaluation.case_score import GRIDS, CaseScore, score_case
from ichnos.evaluation.predictions import Prediction
from ichnos.runtime.files import write_json, write_text

FORMAT = 1


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    Attributes:
        case: its id.
        status: `done`; `kept` from an earlier run; `no-label` where nobody drew a mask or told of a bleed, so
            that there is nothing to compare with; `failed`.
        message: why, in one line.
        score: of a case that is done or kept.
    """

    case: str
    status: str
    message: str = ""
    score: CaseScore | None = None


@dataclass(frozen=True)
class Scores:
    """What `write_scores` wrote.

    Attributes:
        cases: scored ones, sorted by id.
        made_with: cohort, predictions and settings.
        left_out: reason by case that was not scored.
        notes: what a reader must know: extra predictions, missing ones counted as empty.
    """

    cases: tuple[CaseScore, ...]
    made_with: dict[str, Any]
    left_out: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def with_masks(self) -> tuple[CaseScore, ...]:
        """Cases with a drawn and a predicted mask; the others enter detection only."""
        return tuple(score for score in self.cases if score.has_masks)


def score_cohort(
    cohort: Cohort,
    cases: Sequence[Case],
    predict: Callable[[LabelledScan], Prediction],
    folder: Path,
    stamps: Mapping[str, str],
) -> Iterator[Outcome]:
    """Score cases one after the other.

    Args:
        cohort: loads them.
        cases: to score.
        predict: gives what was predicted for a loaded case.
        folder: finished cases are kept in it.
        stamps: what the prediction of each case is made of; a finished case of another stamp is scored again.
    """
    for case in cases:
        kept = _read_case(folder / "cases" / f"{case.case}.json", stamps[case.case])
        yield kept or _score(cohort, case, predict, folder, stamps[case.case])


def write_scores(folder: Path, outcomes: Sequence[Outcome], made_with: dict[str, Any], notes: Sequence[str]) -> Scores:
    """Write the tables of a finished run and return what `read_scores` would."""
    scored = sorted((one.score for one in outcomes if one.score is not None), key=lambda score: score.case)
    left_out = {one.case: f"{one.status}: {one.message}" for one in outcomes if one.score is None}
    write_text(folder / "scores.csv", _to_csv([_case_row(score) for score in scored if score.has_masks]))
    write_text(folder / "slices.csv", _to_csv([row for score in scored for row in _slice_rows(score)]))
    content = {
        "format": FORMAT,
        "made_with": made_with,
        "cases": [score.case for score in scored],
        "left_out": left_out,
        "notes": list(notes),
    }
    write_json(folder / "scores.json", content)
    return Scores(tuple(scored), made_with, left_out, tuple(notes))


def read_scores(folder: Path) -> Scores:
    """Read a folder of scores.

    Raises:
        UsageError: it holds none, or they are broken or of a newer format.
    """
    path = folder / "scores.json"
    if not path.is_file():
        raise UsageError(f"{folder} holds no scores.json; give a folder that `ichnos evaluate -o` wrote")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] > FORMAT:
            raise UsageError(
                f"{path} is in format {content['format']}, this ichnos reads up to {FORMAT}; update ichnos"
            )
        scored = [_load_case(folder / "cases" / f"{case}.json") for case in content["cases"]]
        return Scores(
            tuple(score for _, score in scored),
            content["made_with"],
            content["left_out"],
            tuple(content["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{folder}: its scores are broken or not whole ({error}); run `ichnos evaluate` again"
        ) from error


def refuse_foreign_scores(folder: Path, made_with: dict[str, Any]) -> None:
    """Scores of other predictions must not be mixed; an unfinished run counts too.

    Raises:
        UsageError: the folder holds scores made otherwise.
    """
    path = folder / "made_with.json"
    plain = json.loads(json.dumps(made_with, default=str))
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != plain:
        raise UsageError(
            f"{folder} holds scores of other predictions or settings; give --overwrite to replace them, or another -o"
        )
    write_json(path, plain)


def _score(
    cohort: Cohort, case: Case, predict: Callable[[LabelledScan], Prediction], folder: Path, stamp: str
) -> Outcome:
    try:
        labelled = cohort.load(case)
        score = score_case(labelled, predict(labelled)) if _is_told(labelled) else None
    except IchnosError as error:
        return Outcome(case.case, "failed", " ".join(str(error).split()))
    except Exception as error:  # one bad case must not stop thousands
        return Outcome(case.case, "failed", f"unexpected {type(error).__name__}: {' '.join(str(error).split())}")
    if score is None:
        return Outcome(case.case, "no-label", "nobody drew a mask or told whether it bleeds")
    write_json(folder / "cases" / f"{case.case}.json", {"stamp": stamp, "score": score.model_dump(mode="json")})
    return Outcome(case.case, "done", score=score)


def _is_told(labelled: LabelledScan) -> bool:
    """Whether there is anything that a prediction can be compared with."""
    some_slice = bool((labelled.slice_labels[:, 0] != UNKNOWN).any())
    return labelled.bleed_masks is not None or some_slice or "any" in labelled.case.scan_labels


def _read_case(path: Path, stamp: str) -> Outcome | None:
    """A finished case of this stamp; None if there is none that can be used."""
    if not path.is_file():
        return None
    try:
        made_of, score = _load_case(path)
    except (ValueError, KeyError, TypeError):
        return None
    return Outcome(score.case, "kept", score=score) if made_of == stamp else None


def _load_case(path: Path) -> tuple[str, CaseScore]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return content["stamp"], CaseScore.model_validate(content["score"])


def _case_row(score: CaseScore) -> dict[str, Any]:
    plain = score.model_dump(exclude={"slices", "subtypes", "lesions", "has_masks", "bleeds"})
    lesions = {f"lesions_{name}": value for name, value in score.lesions.model_dump().items()}
    totals = {grid: score.overlap(grid) for grid in GRIDS}
    voxels = {
        f"{name}_{grid}": value
        for grid, total in totals.items()
        for name, value in zip(
            ("tp", "fp", "fn"), (total.true_positive, total.false_positive, total.false_negative), strict=True
        )
    }
    return {**plain, "subtypes": ";".join(score.subtypes), "slices": len(score.slices), **lesions, **voxels}


def _slice_rows(score: CaseScore) -> Iterator[dict[str, Any]]:
    for one in score.slices:
        pixels = {f"{name}_{grid}": value for grid in GRIDS for name, value in one.counts[grid].model_dump().items()}
        row = {
            "case": score.case,
            "patient": score.patient,
            "z": one.z,
            "label": _as_digit(one.label),
        }
        yield {**row, "probability": one.probability, "detected": _as_digit(one.detected), **pixels}


def _as_digit(answer: bool | None) -> int | None:
    return None if answer is None else int(answer)


def _to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["case"], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()

"""`ichnos evaluate`: any predictions or any checkpoint against any collection, under one or more protocols."""

import csv
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ichnos.cli.console import say
from ichnos.cohorts.case import Case, Cohort, LabelledScan
from ichnos.cohorts.folds import read_folds
from ichnos.cohorts.readers import open_cohort
from ichnos.errors import UsageError
from ichnos.evaluation.predict import predict_with
from ichnos.evaluation.predictions import (
    Prediction,
    PredictionFiles,
    list_predictions,
    predict_nothing,
    read_prediction,
)
from ichnos.evaluation.protocols import choose_protocol
from ichnos.evaluation.score import Outcome, Scores, refuse_foreign_scores, score_cohort, write_scores
from ichnos.evaluation.slice_answers import SliceAnswers, answer_slices, read_answers
from ichnos.evaluation.summarise import Result, summarise_scores, to_plain
from ichnos.evaluation.summary_tables import make_tables
from ichnos.metrics.empty_policy import choose_policy
from ichnos.runtime.files import write_json, write_text
from ichnos.runtime.provenance import RESEARCH_USE, collect_versions, find_commit, timestamp
from ichnos.segmentation.segmenter import load_segmenter

_MISSING = ("refuse", "empty")
"""What may be done with cases that nobody predicted."""


@dataclass(frozen=True)
class EvaluateOptions:
    """What the user asked for; see `ichnos evaluate --help`. One of `predictions` (a folder, or a table of
    answers) and `model` is given.
    """

    inputs: Path
    cohort: str
    output: Path
    predictions: Path | None = None
    model: Path | str | None = None
    pattern: str | None = None
    missing: str = "refuse"
    protocols: tuple[str, ...] = ("ichnos",)
    policy: str | None = None
    cases: Path | None = None
    folds: Path | None = None
    device: str = "auto"
    overwrite: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class _Predictor:
    """How predictions come, and what they are made of.

    Attributes:
        predict: for a loaded case.
        described: for the record.
        stamps: by case; another stamp means another prediction.
        notes: missing and extra files.
    """

    predict: Callable[[LabelledScan], Prediction]
    described: dict[str, Any]
    stamps: dict[str, str]
    notes: tuple[str, ...] = ()


def run_evaluate(options: EvaluateOptions) -> tuple[dict[str, Any], int]:
    """Score, summarise and write; returns the summary and the exit code.

    Writes cases/, scores.csv, slices.csv, scores.json, summary.json, summary.md and run.json. A case that
    cannot be scored does not stop the others; it is named, and the exit code is 1.
    """
    started, began = timestamp(), time.perf_counter()
    protocols = [choose_protocol(name) for name in options.protocols]
    if options.missing not in _MISSING:
        raise UsageError(f"--missing is {options.missing!r}; it may be: {', '.join(_MISSING)}")
    if options.policy is not None:
        choose_policy(options.policy)
    folds = _read_folds(options.folds) if options.folds else {}
    cohort = open_cohort(options.cohort, options.inputs)
    cases = _choose_cases(cohort, options.cases)
    predictor = _choose_predictor(options, cases)
    made_with = {"cohort": cohort.name, "root": str(options.inputs.resolve()), **predictor.described}
    if options.overwrite:
        shutil.rmtree(options.output / "cases", ignore_errors=True)
        (options.output / "made_with.json").unlink(missing_ok=True)
    refuse_foreign_scores(options.output, made_with)
    for note in (*cohort.notes, *predictor.notes):
        say(f"note: {note}", quiet=options.quiet)
    outcomes = _score(cohort, cases, predictor, options)
    scores = write_scores(options.output, outcomes, made_with, predictor.notes)
    failed = [one for one in outcomes if one.status == "failed"]
    results = [summarise_scores(scores, one, options.policy, folds) for one in protocols] if scores.cases else []
    summary = _write_summary(results, scores, options)
    record = {
        "command": "evaluate",
        "started": started,
        "seconds": round(time.perf_counter() - began, 2),
        "versions": collect_versions(),
        "commit": find_commit(),
        "settings": {**made_with, "protocols": options.protocols, "policy": options.policy, "licence": cohort.licence},
        "cases": [{"case": one.case, "status": one.status, "message": one.message} for one in outcomes],
        "notice": RESEARCH_USE,
    }
    write_json(options.output / "run.json", record)
    _say_last(options, outcomes, len(failed))
    return summary, 1 if failed or not scores.cases else 0


def _choose_cases(cohort: Cohort, table: Path | None) -> list[Case]:
    if table is None:
        return list(cohort.cases)
    wanted = _read_column(table, None)
    unknown = sorted(wanted.keys() - {case.case for case in cohort.cases})
    if unknown:
        raise UsageError(f"{table}: {len(unknown)} case(s) are not in the collection: {', '.join(unknown[:5])}")
    return [case for case in cohort.cases if case.case in wanted]


def _choose_predictor(options: EvaluateOptions, cases: Sequence[Case]) -> _Predictor:
    if (options.predictions is None) == (options.model is None):
        raise UsageError("give predictions with -p, or a checkpoint with -m, not both")
    if options.predictions is not None and options.predictions.is_file():
        return _read_table(options.predictions, read_answers(options.predictions), [case.case for case in cases])
    if options.predictions is not None:
        files = list_predictions(options.predictions, [case.case for case in cases], options.pattern)
        return _read_files(options.predictions, files, options)
    segmenter = load_segmenter(options.model, options.device)
    stamp = segmenter.provenance["sha256"]
    return _Predictor(
        predict=lambda labelled: predict_with(segmenter, labelled.scan),
        described=segmenter.provenance,
        stamps={case.case: stamp for case in cases},
    )


def _read_files(folder: Path, files: PredictionFiles, options: EvaluateOptions) -> _Predictor:
    missing = f"{len(files.missing)} case(s) have no prediction: {', '.join(files.missing[:5])}"
    if files.missing and options.missing == "refuse":
        raise UsageError(f"{folder}: {missing}; add them, or count them as empty masks with --missing empty")
    notes = [f"{missing}; counted as empty masks"] if files.missing else []
    if files.extra:
        notes.append(f"{len(files.extra)} file(s) belong to no case and are not used: {', '.join(files.extra[:5])}")

    def predict(labelled: LabelledScan) -> Prediction:
        path = files.paths.get(labelled.case.case)
        return predict_nothing(labelled.scan) if path is None else read_prediction(path, labelled.scan)

    stamps = {case: _stamp(path) for case, path in files.paths.items()}
    return _Predictor(
        predict=predict,
        described={"predictions": str(folder.resolve()), "pattern": options.pattern, "missing": options.missing},
        stamps={**dict.fromkeys(files.missing, "missing"), **stamps},
        notes=tuple(notes),
    )


def _read_table(path: Path, answers: SliceAnswers, cases: Sequence[str]) -> _Predictor:
    missing = [case for case in cases if case not in answers.cases]
    if missing:
        raise UsageError(
            f"{path}: {len(missing)} case(s) have no row: {', '.join(missing[:5])}; add them, or name those to score "
            "with --cases"
        )
    extra = sorted(answers.cases.keys() - set(cases))
    notes = [f"{len(extra)} case(s) of the table are not scored: {', '.join(extra[:5])}"] if extra else []
    return _Predictor(
        predict=lambda labelled: answer_slices(answers, labelled.case.case, labelled.scan),
        described={"predictions": str(path.resolve())},
        stamps=dict.fromkeys(cases, _stamp(path)),
        notes=tuple(notes),
    )


def _score(cohort: Cohort, cases: Sequence[Case], predictor: _Predictor, options: EvaluateOptions) -> list[Outcome]:
    outcomes = []
    scored = score_cohort(cohort, cases, predictor.predict, options.output, predictor.stamps)
    for number, outcome in enumerate(scored, start=1):
        outcomes.append(outcome)
        text = outcome.message or outcome.status
        if outcome.score is not None and not outcome.score.has_masks:
            text = f"{len(outcome.score.slices)} slices, detection only"
        elif outcome.score is not None:
            total = outcome.score.overlap("native")
            text = f"Dice {total.dice:.3f}" if not total.is_empty else "nothing to find, nothing predicted"
        quiet = options.quiet and outcome.status != "failed"
        say(f"[{number}/{len(cases)}] {outcome.case}: {outcome.status}: {text}", quiet=quiet)
    return outcomes


def _write_summary(results: Sequence[Result], scores: Scores, options: EvaluateOptions) -> dict[str, Any]:
    summary = {
        "made_with": scores.made_with,
        "left_out": scores.left_out,
        "results": [to_plain(result) for result in results],
        "notice": RESEARCH_USE,
    }
    write_json(options.output / "summary.json", summary)
    predicted_by = Path(options.predictions or options.model or "").resolve().name
    title = f"{predicted_by} on {options.cohort}"
    tables = [table for result in results for table in make_tables(result, title)]
    parts = [f"# {title}", *(table.to_markdown() for table in tables), RESEARCH_USE]
    write_text(options.output / "summary.md", "\n\n".join(parts) + "\n")
    return summary


def _read_folds(path: Path) -> dict[str, str]:
    """Fold by case, from a CSV or from the JSON in which folds are frozen."""
    if path.suffix.lower() != ".json":
        return _read_column(path, "fold")
    frozen = read_folds(path)
    return {case: str(fold) for case, fold in zip(frozen.names, frozen.folds, strict=True)}


def _read_column(path: Path, column: str | None) -> dict[str, str]:
    """Values of a column by case; of the column `case` itself, the case."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as CSV in UTF-8: {error}") from error
    wanted = ["case", column] if column else ["case"]
    if not rows or any(name not in rows[0] for name in wanted):
        raise UsageError(f"{path} needs the column(s) {', '.join(wanted)} and at least one row")
    return {row["case"].strip(): (row[column or "case"] or "").strip() for row in rows}


def _stamp(path: Path) -> str:
    """Whether a file is the one that was scored; by size and time, since hashing a cohort takes long."""
    status = path.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


def _say_last(options: EvaluateOptions, outcomes: Sequence[Outcome], failed: int) -> None:
    without = sum(one.status == "no-label" for one in outcomes)
    if without:
        say(f"{without} of {len(outcomes)} cases have neither mask nor label and were left out", quiet=options.quiet)
    alone = sum(one.score is not None and not one.score.has_masks for one in outcomes)
    if alone:
        say(
            f"{alone} of {len(outcomes)} cases enter detection only: no mask was drawn, or none predicted",
            quiet=options.quiet,
        )
    if failed:
        say(f"ichnos: {failed} of {len(outcomes)} cases failed; {options.output / 'scores.json'} says why")
    say(
        f"Wrote scores.csv, slices.csv, summary.json and summary.md to {options.output}; "
        f"set two such folders side by side with `ichnos compare`. {RESEARCH_USE}",
        quiet=options.quiet,
    )

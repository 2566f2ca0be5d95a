"""From a collection on disk to a slice store."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from ichnos.cohorts.case import Case, Cohort, LabelledScan
from ichnos.cohorts.case_slices import GridSettings, to_slices
from ichnos.cohorts.obvious import DENSE_HU, MARGIN_MM, OBVIOUS_MM2
from ichnos.cohorts.slice_store import CaseSlices, SliceStore
from ichnos.cohorts.store_writer import Progress, StorePlan, build_store
from ichnos.errors import IchnosError, UsageError


def prepare(
    cohort: Cohort,
    settings: GridSettings,
    folder: Path,
    workers: int,
    *,
    overwrite: bool = False,
    progress: Progress = lambda done, name: None,
) -> SliceStore:
    """Decode, check and resample every case once, into a store of slices.

    A run that was killed goes on where it was, and ends with the same bytes. A case that cannot be
    used is skipped and named in `skipped.csv`, with what the reader had left out.

    Args:
        cohort: what to prepare.
        settings: the model grid.
        folder: of the store.
        workers: processes that decode, one thread each.
        overwrite: replace a store of other cases or settings.
        progress: told of each case that begins.

    Raises:
        UsageError: the cohort has no cases, or `folder` holds another store.
        StoreError: `folder` cannot be written, or no case could be used.
    """
    if not cohort.cases:
        raise UsageError(f"{cohort.root} holds no case of {cohort.name}{_first_reason(cohort)}")
    plan = StorePlan(
        names=tuple(case.case for case in cohort.cases),
        items=cohort.cases,
        make=partial(_make, load=cohort.load, settings=settings, root=cohort.root),
        image_size=settings.image_size,
        origin={
            "cohort": cohort.name,
            **{name: value for name, value in asdict(settings).items() if name != "image_size"},
            "obvious": [DENSE_HU, MARGIN_MM, OBVIOUS_MM2],
            "cases": f"{len(cohort.cases)} ({_digest(cohort)[:16]})",
        },
        about={
            "cohort": cohort.name,
            "licence": cohort.licence,
            "notes": [_within(note, cohort.root) for note in cohort.notes],
        },
        skipped=tuple((_within(one.name, cohort.root), _within(one.reason, cohort.root)) for one in cohort.skipped),
    )
    return build_store(plan, folder, workers, overwrite=overwrite, progress=progress)


def _make(case: Case, load: Callable[[Case], LabelledScan], settings: GridSettings, root: Path) -> CaseSlices:
    try:
        return _placeless(to_slices(load(case), settings), root)
    except IchnosError as error:
        raise type(error)(_within(str(error), root)) from error


def _placeless(case: CaseSlices, root: Path) -> CaseSlices:
    record = dict(case.record)
    if "warnings" in record:
        record["warnings"] = [_within(warning, root) for warning in record["warnings"]]
    left_out = {_within(name, root): _within(reason, root) for name, reason in case.left_out.items()}
    return replace(case, record=record, left_out=left_out)


def _within(text: str, root: Path) -> str:
    """A message without the place of the collection, so that a store is the same wherever that lies."""
    return text.replace(f"{root.resolve()}/", "").replace(f"{root}/", "")


def _digest(cohort: Cohort) -> str:
    """Of all that the cases say, wherever the collection lies."""
    digest = hashlib.sha256()
    for case in cohort.cases:
        digest.update(json.dumps(_tell(case, cohort.root), sort_keys=True).encode())
    return digest.hexdigest()


def _tell(case: Case, root: Path) -> dict[str, Any]:
    return {
        "case": case.case,
        "patient": case.patient,
        "files": [_relative(file, root) for file in case.files],
        "slice_labels": {key: [int(one) for one in labels] for key, labels in case.slice_labels.items()},
        "scan_labels": {key: bool(value) for key, value in case.scan_labels.items()},
        "masks": {rater: _relative(file, root) for rater, file in case.masks.items()},
        "brain_mask": None if case.brain_mask is None else _relative(case.brain_mask, root),
        "identifiers": dict(case.identifiers),
        "hints": dict(case.hints),
    }


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _first_reason(cohort: Cohort) -> str:
    return f"; {cohort.skipped[0].name}: {cohort.skipped[0].reason}" if cohort.skipped else ""

"""Writing a slice store: in parallel, in bounded memory, and to the same bytes however often it is stopped.

Which cases make up which shard is decided before anything is decoded. A shard whose record is there
is kept; the others are made (again). The plan, written first, tells whether a folder holds this store.
"""

import csv
import fcntl
import io
import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ichnos.cohorts.shard_writer import ShardJob, describe_file, record_path, save_table, write_shard
from ichnos.cohorts.slice_store import FORMAT, CaseSlices, SliceStore, check_file, load_store
from ichnos.errors import StoreError, UsageError
from ichnos.runtime.files import replacing, write_json, write_text
from ichnos.runtime.workers import Began, Died, run_jobs

_MOST_SHARDS_PER_COHORT = 64
_MOST_CASES_PER_SHARD = 64
"""Work that a kill may lose, against the number of files (RSNA 2019: 340 shards)."""

Progress = Callable[[int, str], None]
"""Told how many cases are done, and the name of the case that begins."""


@dataclass(frozen=True)
class StorePlan:
    """What a store is to hold.

    Attributes:
        names: of the cases, in the store's order; no two are equal.
        items: what each case is made from.
        make: one case from its item; picklable. An IchnosError skips the case.
        image_size: rows and columns of the model grid.
        origin: settings and a digest of the cases; JSON. Another origin is another store.
        about: what `store.json` says of the whole beside this: cohort, licence, notes.
        skipped: what was left out already: name and reason.
    """

    names: tuple[str, ...]
    items: tuple[Any, ...]
    make: Callable[[Any], CaseSlices]
    image_size: int
    origin: Mapping[str, Any]
    about: Mapping[str, Any] = field(default_factory=dict)
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def jobs(self) -> list[ShardJob]:
        """The shards, by number."""
        size = min(_MOST_CASES_PER_SHARD, -(-len(self.names) // _MOST_SHARDS_PER_COHORT))
        starts = range(0, len(self.names), max(1, size))
        return [
            ShardJob(number, self.names[start : start + size], self.items[start : start + size])
            for number, start in enumerate(starts)
        ]


def build_store(
    plan: StorePlan,
    folder: Path,
    workers: int,
    *,
    overwrite: bool = False,
    progress: Progress = lambda done, name: None,
) -> SliceStore:
    """Make a store, or what is missing of it; a finished store of the same plan is taken as it is.

    Args:
        plan: what it is to hold.
        folder: created if needed.
        workers: processes; 1 works in this one.
        overwrite: remove what another plan left; otherwise it is refused.
        progress: told of each case that begins.

    Raises:
        UsageError: no cases, two of one name, another plan's store is there, or another process is
            preparing it.
        StoreError: the folder cannot be written, or no case could be made.
    """
    _check_names(plan, folder)
    with _claimed(folder):
        _settle(plan, folder, overwrite=overwrite)
        if not (folder / "store.json").is_file():
            records = _make_shards(plan, folder, workers, progress)
            with _disk_errors(folder):
                _finish(plan, folder, records)
        progress(len(plan.names), "")
        return load_store(folder)


def clear_store(folder: Path) -> None:
    """Remove a store's files, and nothing else, from a folder."""
    for name in ("store.json", "plan.json", "slices.npz", "skipped.csv", "run.json"):
        (folder / name).unlink(missing_ok=True)
    for pattern in ("*.npy", "*.npz", "*.json", ".partial-*"):
        for path in (folder / "shards").glob(pattern):
            path.unlink()


def _check_names(plan: StorePlan, folder: Path) -> None:
    if not plan.names:
        raise UsageError(f"no cases to prepare for {folder}")
    name, count = Counter(plan.names).most_common(1)[0]
    if count > 1:
        raise UsageError(f"{count} cases are called {name}; a case's name must be its own")


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written: {error.strerror or error}; make room there, then run the same command again"
        ) from error


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system frees it when this process ends, however it ends."""
    with _disk_errors(folder):
        (folder / "shards").mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    with lock:
        try:
            with _disk_errors(folder):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except StoreError as error:
            if isinstance(error.__cause__, BlockingIOError):
                raise UsageError(
                    f"another process is preparing {folder}; wait until it has ended, or choose another -o"
                ) from error
            raise
        yield


def _settle(plan: StorePlan, folder: Path, *, overwrite: bool) -> None:
    """Make the folder this plan's own."""
    asked = {"format": FORMAT, "image_size": plan.image_size, **plan.origin}
    path = folder / "plan.json"
    there = _read_json(path)
    is_other = there is not None or (folder / "store.json").exists()
    if there != json.loads(json.dumps(asked)):
        if is_other and not overwrite:
            raise UsageError(
                f"{folder} holds another store: {_difference(there, asked)}; give --overwrite, or another -o"
            )
        with _disk_errors(folder):
            clear_store(folder)
            write_json(path, asked)
    for place in (folder, folder / "shards"):
        for leftover in place.glob(".partial-*"):
            leftover.unlink()


def _difference(there: Any, asked: Mapping[str, Any]) -> str:  # noqa: ANN401 - any JSON
    if not isinstance(there, dict):
        return "its plan.json is missing or damaged"
    for name in sorted({*there, *asked}):
        if there.get(name) != json.loads(json.dumps(asked.get(name))):
            return f"{name} is {_short(there.get(name))} there, {_short(asked.get(name))} here"
    raise AssertionError("they are equal")


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON
    text = "absent" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _read_json(path: Path) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _make_shards(plan: StorePlan, folder: Path, workers: int, progress: Progress) -> list[dict[str, Any]]:
    jobs = plan.jobs
    records = {job.number: kept for job in jobs if (kept := _find_kept(job, folder))}
    finished = sum(len(jobs[number].names) for number in records)
    progress(finished, "")
    waiting = deque((job.number, job) for job in jobs if job.number not in records)
    do = partial(write_shard, make=plan.make, folder=folder, image_size=plan.image_size)
    begun: set[str] = set()
    deaths: Counter[str] = Counter()
    for event in run_jobs(do, waiting, workers):
        if isinstance(event, Began):
            progress(finished + max(0, len(begun) - workers + 1), event.at)
            begun.add(event.at)
        elif isinstance(event, Died):
            deaths[event.at] += 1
            doomed = frozenset(name for name, count in deaths.items() if count > 1)
            jobs[event.job] = replace(jobs[event.job], doomed=doomed)
            waiting.append((event.job, jobs[event.job]))
            _give_up_on_shards_that_never_begin(deaths, folder)
        else:
            records[event.job] = event.result
    return [records[job.number] for job in jobs]


def _give_up_on_shards_that_never_begin(deaths: Mapping[str, int], folder: Path) -> None:
    if deaths.get("", 0) > 3:
        raise StoreError(f"processes die before they begin, preparing {folder}; is memory exhausted? try --workers 1")


def _find_kept(job: ShardJob, folder: Path) -> dict[str, Any] | None:
    """The record of a shard that is whole; None if it must be made."""
    record = _read_json(record_path(folder, job.number))
    try:
        if record["names"] != list(job.names):
            return None
        for file in record["files"].values():
            check_file(folder, file)
    except (StoreError, TypeError, KeyError):
        return None
    kept: dict[str, Any] = record
    return kept


def _finish(plan: StorePlan, folder: Path, records: Sequence[dict[str, Any]]) -> None:
    skipped = [{"name": name, "reason": reason} for name, reason in plan.skipped]
    skipped += [one for record in records for one in record["skipped"]]
    write_text(folder / "skipped.csv", _as_csv(skipped))
    cases = [case for record in records for case in record["cases"]]
    if not cases:
        first = skipped[0]
        raise StoreError(f"none of {len(plan.names)} cases could be prepared; {first['name']}: {first['reason']}")
    shards = [{name: record[name] for name in ("slices", "files")} for record in records if record["slices"]]
    with replacing(folder / "slices.npz") as temporary, temporary.open("wb") as stream:
        save_table(stream, list(_numbered_tables(folder, records)))
    content = {
        "format": FORMAT,
        "image_size": plan.image_size,
        **plan.about,
        "origin": plan.origin,
        "totals": _totals(cases, skipped),
        "table": describe_file(folder, folder / "slices.npz"),
        "shards": shards,
        "skipped": skipped,
        "cases": cases,
    }
    write_text(folder / "store.json", _one_line_each(content))


def _numbered_tables(folder: Path, records: Sequence[dict[str, Any]]) -> Iterator[dict[str, np.ndarray]]:
    """The tables of the shards, with cases numbered through the store."""
    before = 0
    for record in records:
        if record["slices"]:
            with np.load(folder / record["files"]["table"]["path"], allow_pickle=False) as table:
                yield {**table, "cases": (table["cases"] + before).astype(np.int32)}
        before += len(record["cases"])


def _totals(cases: Sequence[Mapping[str, Any]], skipped: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    repairs: Counter[str] = Counter()
    for case in cases:
        repairs.update(case.get("repairs", {}))
    return {
        "cases": len(cases),
        "patients": len({case["patient"] for case in cases}),
        "slices": sum(case["slices"] for case in cases),
        "skipped": len(skipped),
        "vanished_slices": sum(case.get("vanished_slices", 0) for case in cases),
        "repairs": dict(sorted(repairs.items())),
    }


def _as_csv(skipped: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, ("name", "reason"), lineterminator="\n")
    writer.writeheader()
    writer.writerows(skipped)
    return text.getvalue()


def _one_line_each(content: Mapping[str, Any]) -> str:
    """JSON that can be read and searched: a line for each key, and for each item of a list."""
    lines = []
    for name, value in content.items():
        text = json.dumps(value, allow_nan=False)
        if isinstance(value, list) and value:
            text = "[\n    " + ",\n    ".join(json.dumps(item, allow_nan=False) for item in value) + "\n  ]"
        lines.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"

"""A long experiment as stages that depend on each other, each run once.

A stage is a function, its settings, and the stages whose folders it reads. It writes into
`stages/NAME`; `done.json` there, written last, says that it is finished and what it was made from.
A stage whose settings, or whose needs' settings, have changed is run again; everything else is
kept. So an experiment goes on after `kill -9` where it was, and a stage that saves its own progress
(training does) goes on inside as well.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ichnos.errors import IchnosError, TrainingError
from ichnos.runtime.files import write_json
from ichnos.runtime.provenance import collect_versions, find_commit

StageFunction = Callable[[Path, Mapping[str, Path], Mapping[str, Any]], Mapping[str, Any]]
"""(own folder, folders of the needs by stage name, settings) -> figures for done.json.

Defined at the top of a module, so that another process can find it.
"""


@dataclass(frozen=True)
class Stage:
    """One step of an experiment.

    Attributes:
        name: of its folder.
        function: what it does.
        settings: plain values that decide its result.
        needs: names of stages whose folders it reads.
        seconds: rough time on one core, for the estimate that is printed first.
        megabytes: rough size of what it leaves.
    """

    name: str
    function: StageFunction
    settings: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    seconds: float = 1.0
    megabytes: float = 0.0


@dataclass(frozen=True)
class Plan:
    """Stages in an order in which each comes after its needs."""

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for stage in self.stages:
            lacking = set(stage.needs) - seen
            assert not lacking, f"stage {stage.name} comes before {', '.join(sorted(lacking))}, which it needs"
            assert stage.name not in seen, f"two stages are called {stage.name}"
            seen.add(stage.name)

    def digests(self) -> dict[str, str]:
        """What each stage is made from: its function, its settings, and the same of its needs."""
        found: dict[str, str] = {}
        for stage in self.stages:
            content = {
                "function": f"{stage.function.__module__}.{stage.function.__qualname__}",
                "settings": stage.settings,
                "needs": {name: found[name] for name in stage.needs},
            }
            found[stage.name] = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
        return found

    def unfinished(self, folder: Path) -> tuple[Stage, ...]:
        """Stages that `run_plan` would run."""
        digests = self.digests()
        return tuple(stage for stage in self.stages if not _is_done(folder, stage.name, digests[stage.name]))

    def estimate(self, folder: Path, workers: int) -> tuple[float, float]:
        """(seconds, megabytes) that are still to come, rough: stages are taken to share the workers evenly."""
        left = self.unfinished(folder)
        return sum(stage.seconds for stage in left) / max(1, workers), sum(stage.megabytes for stage in left)


@dataclass(frozen=True)
class Progress:
    """A stage that has just ended: how it went, and how many of the plan are done."""

    stage: str
    seconds: float
    done: int
    total: int
    message: str = ""


def run_plan(plan: Plan, folder: Path, workers: int = 1) -> Iterator[Progress]:
    """Run what is not finished, up to `workers` stages at a time, each in a process with one thread.

    Stages that do not need a failed one go on; the failure is raised when nothing more can run.

    Args:
        plan: what to do.
        folder: gets `stages/` and `plan.json`.
        workers: 1 runs all in this process.

    Yields:
        Progress as stages end; a failed one has a message.

    Raises:
        IchnosError: of the first stage that failed.
    """
    digests = plan.digests()
    _describe(plan, folder, digests)
    left = {stage.name: stage for stage in plan.unfinished(folder)}
    done = {stage.name for stage in plan.stages} - left.keys()
    failures: list[str] = []
    for name, seconds, message in _run_stages(left, done, folder, digests, workers):
        if message:
            failures.append(f"{name}: {message}")
        else:
            done.add(name)
        yield Progress(name, seconds, len(done), len(plan.stages), message)
    if failures:
        raise TrainingError(f"{len(failures)} of {len(plan.stages)} stages failed; {failures[0]}")


def stage_folder(folder: Path, name: str) -> Path:
    """Where a stage writes."""
    return folder / "stages" / name


def read_figures(folder: Path, name: str) -> dict[str, Any]:
    """What a finished stage returned."""
    figures: dict[str, Any] = read_done(stage_folder(folder, name))["figures"]
    return figures


def read_done(own: Path) -> dict[str, Any]:
    """What is known of a finished stage by its folder.

    `seconds` since it was last started, `core_seconds` that processors worked for it, `commit` and `figures`.
    """
    content: dict[str, Any] = json.loads((own / "done.json").read_text(encoding="utf-8"))
    return content


def _run_stages(
    left: dict[str, Stage], done: set[str], folder: Path, digests: Mapping[str, str], workers: int
) -> Iterator[tuple[str, float, str]]:
    if workers <= 1:
        for name, stage in left.items():
            if set(stage.needs) <= done:  # else a need failed
                yield _run_stage(stage, folder, digests[name])
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        waiting, running = dict(left), dict[Future[tuple[str, float, str]], str]()
        while True:
            for name in _ready(waiting, done)[: workers - len(running)]:
                running[pool.submit(_run_stage, waiting.pop(name), folder, digests[name])] = name
            if not running:
                return
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                running.pop(future)
                yield future.result()


def _ready(waiting: Mapping[str, Stage], done: set[str]) -> Sequence[str]:
    return [name for name, stage in waiting.items() if set(stage.needs) <= done]


def _run_stage(stage: Stage, folder: Path, digest: str) -> tuple[str, float, str]:
    """(name, seconds, message of what went wrong or nothing)."""
    own = stage_folder(folder, stage.name)
    started = own / "started.json"
    if started.is_file() and json.loads(started.read_text(encoding="utf-8")).get("digest") != digest:
        shutil.rmtree(own)  # made from other settings
    (own / "done.json").unlink(missing_ok=True)
    write_json(started, {"digest": digest})
    began, worked = time.perf_counter(), sum(os.times()[:4])
    needs = {name: stage_folder(folder, name) for name in stage.needs}
    try:
        figures = stage.function(own, needs, stage.settings)
    except IchnosError as error:
        return stage.name, time.perf_counter() - began, str(error)
    seconds = time.perf_counter() - began
    done = {
        "digest": digest,
        "seconds": round(seconds, 2),
        "core_seconds": round(sum(os.times()[:4]) - worked, 2),
        "commit": find_commit(),
        "figures": dict(figures),
    }
    write_json(own / "done.json", done)
    return stage.name, seconds, ""


def _is_done(folder: Path, name: str, digest: str) -> bool:
    record = stage_folder(folder, name) / "done.json"
    return record.is_file() and json.loads(record.read_text(encoding="utf-8"))["digest"] == digest


def _describe(plan: Plan, folder: Path, digests: Mapping[str, str]) -> None:
    write_json(
        folder / "plan.json",
        {
            "versions": collect_versions(),
            "commit": find_commit(),
            "stages": [
                {"name": stage.name, "needs": stage.needs, "settings": stage.settings, "digest": digests[stage.name]}
                for stage in plan.stages
            ],
        },
    )


def _one_thread() -> None:
    """Stages run side by side; threads of one would only slow the other."""
    import torch

    torch.set_num_threads(1)

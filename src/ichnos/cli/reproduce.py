"""`ichnos reproduce`: a paper's whole experiment, stage by stage, and a page of its results."""

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ichnos.cli.console import say, show_table
from ichnos.errors import UsageError
from ichnos.evaluation.reproduction.hgi_sam import plan_hgi_sam
from ichnos.evaluation.reproduction.hgi_sam_scale import choose_hgi_sam_scale
from ichnos.evaluation.reproduction.label_efficient import plan_label_efficient
from ichnos.evaluation.reproduction.label_efficient_scale import choose_label_efficient_scale
from ichnos.evaluation.reproduction.plan import Plan, read_done, read_figures, run_plan, stage_folder
from ichnos.evaluation.reproduction.scale import (
    Data,
    HgiSamScale,
    LabelEfficientScale,
    choose_data,
)
from ichnos.reports.reproduction import Account, write_reproduction
from ichnos.runtime.files import write_json
from ichnos.runtime.names import choose_by_name
from ichnos.runtime.provenance import RESEARCH_USE, collect_versions, find_commit, timestamp

Scale = HgiSamScale | LabelEfficientScale


@dataclass(frozen=True)
class Experiment:
    """One of the papers.

    Attributes:
        title: of its page.
        choose_scale: by name.
        plan: makes its stages.
        shown: stages whose findings stand on the page.
    """

    title: str
    choose_scale: Callable[[str], Any]
    plan: Callable[[Data, Any, str], Plan]
    shown: tuple[str, ...]


EXPERIMENTS = {
    "hgi-sam": Experiment(
        "Hemorrhage masks from slice labels (Rasoulian et al. 2023), reproduced",
        choose_hgi_sam_scale,
        plan_hgi_sam,
        ("results", "slices", "times"),
    ),
    "label-efficient": Experiment(
        "Label-efficient segmentation of hemorrhage (Spahr et al. 2023), reproduced",
        choose_label_efficient_scale,
        plan_label_efficient,
        ("results", "budget-curve", "embedding"),
    ),
}


@dataclass(frozen=True)
class ReproduceOptions:
    """What the user asked for; see `ichnos reproduce --help`."""

    paper: str
    output: Path
    data: str = "phantom"
    scale: str = "phantom"
    workers: int = 2
    device: str = "auto"
    dry_run: bool = False
    quiet: bool = False


def run_reproduce(options: ReproduceOptions) -> dict[str, Any]:
    """Run what is not finished yet; returns the run's record.

    Raises:
        UsageError: no such paper, scale or collection; or OUTPUT holds something else.
        IchnosError: a stage failed; all others that could run have run.
    """
    experiment = choose_by_name(EXPERIMENTS, options.paper, "experiment")
    scale: Scale = experiment.choose_scale(options.scale)
    data = choose_data(options.data, scale)
    plan = experiment.plan(data, scale, options.device)
    refuse_foreign(options.output)
    tell_plan(plan, options.output, options.workers, dry_run=options.dry_run, quiet=options.quiet)
    record: dict[str, Any] = {"command": "reproduce", "paper": options.paper, "stages": len(plan.stages)}
    if options.dry_run:
        return record
    return record | run_experiment(experiment, plan, (scale, data), options)


def run_experiment(
    experiment: Experiment, plan: Plan, made_of: tuple[Scale, Data], options: ReproduceOptions
) -> dict[str, Any]:
    """Run a plan and write its page and `run.json`."""
    scale, data = made_of
    started, began = timestamp(), time.perf_counter()
    for ended in run_plan(plan, options.output, options.workers):
        state = f"failed: {ended.message}" if ended.message else f"{ended.seconds:.0f} s"
        say(f"[{ended.done}/{ended.total}] {ended.stage}: {state}", quiet=options.quiet and not ended.message)
    page = write_reproduction(options.output, experiment.shown, _account(experiment, plan, (scale, data), options))
    run = {
        "started": started,
        "seconds": round(time.perf_counter() - began, 2),
        "versions": collect_versions(),
        "commit": find_commit(),
        "scale": scale.name,
        "measured_on": data.measured_on,
        "figures": {stage.name: read_figures(options.output, stage.name) for stage in plan.stages},
        "page": page,
        "notice": RESEARCH_USE,
    }
    write_json(options.output / "run.json", {"command": "reproduce", "paper": options.paper, **run})
    say(f"Wrote {page} (figures on {data.measured_on}); next: open it, or run the same again with --scale paper")
    return run


def tell_plan(plan: Plan, output: Path, workers: int, *, dry_run: bool, quiet: bool) -> None:
    """Show what is still to do, with rough times, before anything begins."""
    left = plan.unfinished(output)
    seconds, megabytes = plan.estimate(output, workers)
    rows = [[stage.name, ", ".join(stage.needs[:3]) or "-", _duration(stage.seconds)] for stage in left]
    show_table(["stage", "needs", "about"], rows, quiet=quiet)
    say(
        f"{len(left)} of {len(plan.stages)} stages to do; about {_duration(seconds)} with {workers} at a time, "
        f"{megabytes:.0f} MB in {output}. Estimates are rough; a run that stops goes on where it was.",
        quiet=quiet and not dry_run,
    )


def _account(experiment: Experiment, plan: Plan, made_of: tuple[Scale, Data], options: ReproduceOptions) -> Account:
    scale, data = made_of
    command = f"ichnos reproduce {options.paper} -o OUT --data {shlex.quote(options.data)} --scale {options.scale}"
    done = [read_done(stage_folder(options.output, stage.name)) for stage in plan.stages]
    commits = dict.fromkeys(str(one["commit"] or "unknown") for one in done)
    cohorts = tuple(_describe(name, read_figures(options.output, name), data.measured_on) for name in ("weak", "test"))
    return Account(
        experiment.title,
        data.measured_on,
        command,
        ", ".join(commits),
        scale.seeds,
        sum(float(one["core_seconds"]) for one in done) / 60,
        cohorts,
        scale.smaller,
    )


def _describe(role: str, counts: Mapping[str, Any], measured_on: str) -> str:
    what = {"weak": "Slices with labels", "test": "Scans with masks"}[role]
    of = measured_on if role == "test" or measured_on == "phantoms" else "RSNA 2019"
    return f"{what}: {counts['cases']} {of}, {counts['slices']} slices, {counts['bleeding_slices']} of which bleed."


def refuse_foreign(output: Path) -> None:
    """Raise UsageError if OUTPUT is a file or holds something that no plan wrote."""
    if output.is_file():
        raise UsageError(f"{output} is a file; give a folder with -o")
    if output.is_dir() and any(output.iterdir()) and not (output / "plan.json").is_file():
        raise UsageError(f"{output} holds files of something else; give an empty folder with -o")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"

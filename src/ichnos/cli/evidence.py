"""`ichnos evidence`: what the bundled models are worth, stage by stage, and pages of the findings."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ichnos.cli.console import say
from ichnos.cli.reproduce import refuse_foreign, tell_plan
from ichnos.evaluation.evidence.ablation import plan_ablation, read_ablation_recipe
from ichnos.evaluation.evidence.bundled_models import Effort, plan_judging
from ichnos.evaluation.evidence.painted_slices import judge_painted
from ichnos.evaluation.evidence.real_scans import look_at_scans
from ichnos.evaluation.evidence.students import plan_students
from ichnos.evaluation.reproduction.plan import Plan, Stage, read_done, read_figures, run_plan, stage_folder
from ichnos.reports.evidence import EvidencePage, write_evidence
from ichnos.reports.feature_sheets import feature_settings, picture_features
from ichnos.runtime.files import write_json
from ichnos.runtime.provenance import RESEARCH_USE, collect_versions, find_commit, timestamp
from ichnos.scans.inputs import check_exists
from ichnos.segmentation.bundled import BUNDLED, bundled_checkpoint

MODELS, FEATURES, ABLATION = ("tables", "painted", "real"), ("features",), ("worlds", "students")
"""Stages that stand on each page."""

TEACHER = "phantom-swin-hgi"
"""Whose maps students learn from."""

PAINTED, PAINTED_SEED = 100, 7
"""Bleeds painted into each real scan."""


@dataclass(frozen=True)
class EvidenceOptions:
    """What the user asked for; see `ichnos evidence --help`."""

    output: Path
    real: Path | None = None
    scans: int = 30
    ablation_seeds: int = 0
    workers: int = 2
    device: str = "auto"
    dry_run: bool = False
    quiet: bool = False


def run_evidence(options: EvidenceOptions) -> dict[str, Any]:
    """Run what is not finished yet; returns the run's record.

    Raises:
        UsageError: OUTPUT holds something else.
        ScanNotFoundError: there is no real scan where one was named.
        IchnosError: a stage failed; all others that could run have run.
    """
    if options.real:
        check_exists(options.real)
    refuse_foreign(options.output)
    plan = plan_evidence(options)
    tell_plan(plan, options.output, options.workers, dry_run=options.dry_run, quiet=options.quiet)
    record: dict[str, Any] = {"command": "evidence", "stages": len(plan.stages)}
    if options.dry_run:
        return record
    started, began = timestamp(), time.perf_counter()
    for ended in run_plan(plan, options.output, options.workers):
        state = f"failed: {ended.message}" if ended.message else f"{ended.seconds:.0f} s"
        say(f"[{ended.done}/{ended.total}] {ended.stage}: {state}", quiet=options.quiet and not ended.message)
    written = write_evidence(options.output, _pages(plan, options))
    run = {
        **record,
        "started": started,
        "seconds": round(time.perf_counter() - began, 2),
        "versions": collect_versions(),
        "commit": find_commit(),
        "figures": {stage.name: read_figures(options.output, stage.name) for stage in plan.stages},
        "pages": written,
        "notice": RESEARCH_USE,
    }
    write_json(options.output / "run.json", run)
    say(f"Wrote {', '.join(map(str, written))}; next: open them")
    return run


def plan_evidence(options: EvidenceOptions) -> Plan:
    """All stages: bundled models judged, pictures of features, and, if seeds are asked for, ablation and students."""
    models = {name: _hash(name) for name in BUNDLED}
    stages = plan_judging(models, Effort(scans=options.scans), options.device)
    if options.real:
        told = {name: {"model": name, "sha256": sha256} for name, sha256 in models.items()}
        settings = {"folder": str(options.real), "models": told, "device": options.device}
        stages.append(Stage("real", look_at_scans, settings, seconds=20.0 * len(models)))
        painting = {**settings, "count": PAINTED, "seed": PAINTED_SEED}
        stages.append(Stage("painted", judge_painted, painting, seconds=100.0 * len(models)))
    drawn = {"slices": 12, "size": 128, "features": feature_settings()}
    stages.append(Stage("features", picture_features, drawn, seconds=90.0))
    if options.ablation_seeds:
        real = str(options.real) if options.real else None
        seeds = range(options.ablation_seeds)
        recipe, teacher = read_ablation_recipe(), {"model": TEACHER, "sha256": models[TEACHER]}
        stages += plan_ablation(recipe, seeds, options.scans, real)
        stages += plan_students(recipe, teacher, seeds, options.scans, real)
    return Plan(tuple(stages))


def _hash(name: str) -> str:
    """Of weights and settings: other thresholds are another model."""
    folder = bundled_checkpoint(name)
    content = b"".join((folder / file).read_bytes() for file in ("model.safetensors", "ichnos.json"))
    return hashlib.sha256(content).hexdigest()


def _pages(plan: Plan, options: EvidenceOptions) -> list[EvidencePage]:
    names = {stage.name for stage in plan.stages}
    real = " --real SCAN" if options.real else ""
    ablation = f" --ablation-seeds {options.ablation_seeds}" if options.ablation_seeds else ""
    command = f"`ichnos evidence -o OUT --scans {options.scans}{real}{ablation}`"
    done = {name: read_done(stage_folder(options.output, name)) for name in names}

    def tell(wanted: tuple[str, ...]) -> tuple[str, ...]:
        commits = dict.fromkeys(str(done[name]["commit"] or "unknown") for name in wanted if name in done)
        return (f"Made by {command} at commit {', '.join(commits)}. Seeds fix every figure.",)

    pages = [
        EvidencePage("models", "Evidence: the bundled models", MODELS, tell(MODELS)),
        EvidencePage("features", "Evidence: features of the phantoms", FEATURES, tell(FEATURES)),
        EvidencePage("ablation", "Evidence: which features matter", ABLATION, tell(ABLATION)),
    ]
    return [page for page in pages if names & set(page.stages)]

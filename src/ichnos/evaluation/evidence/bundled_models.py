"""Evidence for the bundled models as stages: each judged on both families, then the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ichnos.evaluation.evidence.families import FAMILIES, FIRST_SEED
from ichnos.evaluation.evidence.findings import tell_sizes, tell_subtypes, tell_whole
from ichnos.evaluation.evidence.judged import Judged, judge_family, read_judged
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.reproduction.plan import Stage


@dataclass(frozen=True)
class Effort:
    """How much is judged.

    Attributes:
        scans: of each family.
        slices: of each scan.
        size: pixels along a side.
    """

    scans: int = 30
    slices: int = 16
    size: int = 160


def plan_judging(models: Mapping[str, str], effort: Effort, device: str) -> list[Stage]:
    """Stages that judge bundled models.

    Args:
        models: sha256 of weights and settings by name; another model under an old name is judged anew.
        effort: how much.
        device: auto, cpu or cuda:N.
    """
    stages: dict[str, list[Stage]] = {family: [] for family in FAMILIES}
    for family, own in stages.items():
        for name, sha256 in models.items():
            settings: dict[str, Any] = {
                "family": family,
                "models": {name: {"model": name, "sha256": sha256}},
                "first_seed": FIRST_SEED,
                "count": effort.scans,
                "slices": effort.slices,
                "size": effort.size,
                "device": device,
            }
            own.append(Stage(f"judge-{family}-{name}", judge_family, settings, seconds=4.0 * effort.scans))
    told = {family: [stage.name for stage in own] for family, own in stages.items()}
    every = [stage for own in stages.values() for stage in own]
    return [*every, Stage("tables", tell_findings, {"stages": told}, tuple(stage.name for stage in every))]


def tell_findings(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`parts.json` and `tables/`: what was found on each family; `settings` has its `stages` by family."""
    parts = []
    for family, stages in settings["stages"].items():
        judged: Judged = {}
        for name in stages:
            judged |= read_judged(needs[name])
        title = FAMILIES[family].title
        tables = (tell_whole(judged, title), tell_subtypes(judged, title), tell_sizes(judged, title))
        parts.append(Part(_headline(title), (), tables))
    write_parts(parts, own)
    return {"tables": _as_figures(parts)}


def _headline(title: str) -> str:
    return title[0].upper() + title[1:]


def _as_figures(parts: Sequence[Part]) -> list[str]:
    return [table.title for part in parts for table in part.tables]

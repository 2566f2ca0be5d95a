"""`ichnos compare`: two evaluated sets of predictions, paired case by case."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ichnos.cli.console import say
from ichnos.errors import UsageError
from ichnos.evaluation.compare import compare_scores, tabulate_differences
from ichnos.evaluation.protocols import choose_protocol
from ichnos.evaluation.score import read_scores
from ichnos.evaluation.tables import write_table
from ichnos.runtime.files import write_json
from ichnos.runtime.provenance import RESEARCH_USE, collect_versions, find_commit, timestamp


@dataclass(frozen=True)
class CompareOptions:
    """What the user asked for; see `ichnos compare --help`."""

    first: Path
    second: Path
    output: Path
    protocol: str = "ichnos"
    policy: str | None = None
    overwrite: bool = False
    quiet: bool = False


def run_compare(options: CompareOptions) -> dict[str, Any]:
    """Compare, and write comparison.json, .md, .tex and .csv; returns what the JSON holds."""
    if (options.output / "comparison.json").exists() and not options.overwrite:
        raise UsageError(f"{options.output} holds a comparison already; give --overwrite, or another -o")
    started, protocol = timestamp(), choose_protocol(options.protocol)
    first, second = read_scores(options.first), read_scores(options.second)
    differences = compare_scores(first, second, protocol, options.policy)
    names = options.first.resolve().name, options.second.resolve().name
    if names[0] == names[1]:
        names = f"first {names[0]}", f"second {names[1]}"
    table = tabulate_differences(differences, names, protocol, options.policy)
    write_table(table, options.output, "comparison")
    comparison = {
        "first": first.made_with,
        "second": second.made_with,
        "protocol": protocol.name,
        "policy": options.policy or protocol.policy,
        "cases": len(first.cases),
        "differences": [_plain(asdict(one)) for one in differences],
        "started": started,
        "versions": collect_versions(),
        "commit": find_commit(),
        "notice": RESEARCH_USE,
    }
    write_json(options.output / "comparison.json", comparison)
    for one in differences:
        say(
            f"{one.measure}, {one.view} {protocol.unit}s: {one.first:.3f} and {one.second:.3f}, "
            f"p by patient {one.adjusted['sign-flip-by-patient']:.3g} (n = {one.items}, {one.patients} patients)",
            quiet=options.quiet,
        )
    say(f"Wrote comparison.md, .tex, .csv and .json to {options.output}. {RESEARCH_USE}", quiet=options.quiet)
    return comparison


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """JSON knows neither NaN nor infinity: None."""
    return {name: None if isinstance(one, float) and not np.isfinite(one) else one for name, one in content.items()}

"""`ichnos explain`: where a classifier looked, as maps on the scan's grid and as a picture."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ichnos.cli.console import say
from ichnos.errors import IchnosError, UsageError
from ichnos.reports.explanation import write_explanation
from ichnos.runtime.files import write_json
from ichnos.runtime.provenance import RESEARCH_USE, collect_versions, find_commit, timestamp
from ichnos.scans import read_scan
from ichnos.scans.listing import ListedScan, list_scans
from ichnos.scans.write import write_map
from ichnos.segmentation.bundled import DEFAULT_CLASSIFIER
from ichnos.segmentation.explain_scan import explain_scan
from ichnos.segmentation.segmenter import Segmenter, load_segmenter


@dataclass(frozen=True)
class ExplainOptions:
    """What the user asked for; see `ichnos explain --help`. `shown` counts slices from 1 at the feet."""

    inputs: Path
    output: Path
    model: Path | str | None = None
    methods: tuple[str, ...] = ("hgi-sam",)
    targets: tuple[str, ...] = ()
    preset: str = "paper"
    shown: int | None = None
    device: str = "auto"
    overwrite: bool = False
    quiet: bool = False


def run_explain(options: ExplainOptions) -> tuple[dict[str, Any], int]:
    """Explain every scan; returns the run's record and the exit code.

    Writes for each case CASE/METHOD-OUTPUT.nii.gz and CASE/explanation.png, then run.json. Wrong
    usage stops the run; a scan that cannot be read does not.
    """
    started, began = timestamp(), time.perf_counter()
    listed = list_scans(options.inputs)
    segmenter = load_segmenter(options.model or DEFAULT_CLASSIFIER, options.device)
    there = [scan.case for scan in listed if (options.output / scan.case / "explanation.png").exists()]
    if there and not options.overwrite:
        raise UsageError(f"{options.output / there[0]} is explained already; give --overwrite, or another -o")
    records = []
    for number, scan in enumerate(listed, start=1):
        records.append(_explain_case(scan, segmenter, options))
        say(f"[{number}/{len(listed)}] {scan.case}: {records[-1]['message']}", quiet=options.quiet)
    run = {
        "command": "explain",
        "started": started,
        "seconds": round(time.perf_counter() - began, 2),
        "versions": collect_versions(),
        "commit": find_commit(),
        "settings": {**segmenter.provenance, "methods": options.methods, "preset": options.preset},
        "cases": records,
        "notice": RESEARCH_USE,
    }
    write_json(options.output / "run.json", run)
    failed = sum(record["status"] == "failed" for record in records)
    say(f"Wrote maps, explanation.png and run.json to {options.output}. {RESEARCH_USE}", quiet=options.quiet)
    return run, 1 if failed else 0


def _explain_case(listed: ListedScan, segmenter: Segmenter, options: ExplainOptions) -> dict[str, Any]:
    folder = options.output / listed.case
    record: dict[str, Any] = {"case": listed.case, "input": str(listed.path), "status": "failed"}
    shown = None if options.shown is None else options.shown - 1
    try:
        scan = read_scan(listed.path)
        found = explain_scan(scan, segmenter, options.methods, options.targets, options.preset, shown=shown)
        bleed = segmenter(scan).bleed_mask.voxels
        files = []
        for method, maps in found.maps.items():
            for target, values in zip(found.targets, maps, strict=True):
                files.append(f"{method}-{target.replace(' ', '-')}.nii.gz")
                write_map(values, scan, folder / files[-1])
        write_explanation(found, bleed, folder / "explanation.png", listed.case)
    except UsageError:
        raise
    except IchnosError as error:
        return {**record, "message": f"failed: {error}"}
    probability = found.probabilities[0, found.shown]
    text = f"{len(found.slices)} slices explained; shown is {found.shown + 1}, P({found.targets[0]}) {probability:.2f}"
    explained = [int(z) + 1 for z in found.slices]
    return {**record, "status": "done", "files": files, "slices": explained, "message": text}

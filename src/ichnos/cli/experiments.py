"""`ichnos reproduce` and `ichnos evidence`: experiments of many stages, which go on where they stopped."""

from pathlib import Path
from typing import Annotated

import typer

from ichnos.cli.console import show_json, user_errors
from ichnos.cli.options import AsJson, Device, Output, Quiet


def reproduce(
    paper: Annotated[str, typer.Argument(help="hgi-sam or label-efficient.")],
    output: Output,
    data: Annotated[str, typer.Option(help="phantom, or the folder that holds the collections.")] = "phantom",
    scale: Annotated[str, typer.Option(help="phantom: under half an hour on two cores; paper: days.")] = "phantom",
    workers: Annotated[int, typer.Option(min=1, help="Stages that run side by side, one thread each.")] = 2,
    device: Device = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan, with times and size.")] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Run a paper's whole experiment and set its tables beside ours; goes on where it stopped."""
    with user_errors():
        from ichnos.cli.reproduce import ReproduceOptions, run_reproduce

        run = run_reproduce(ReproduceOptions(paper, output, data, scale, workers, device, dry_run, quiet))
        if as_json:
            show_json(run)


def evidence(
    output: Output,
    real: Annotated[Path | None, typer.Option(help="A scan, or a folder of scans, that shows no blood.")] = None,
    scans: Annotated[int, typer.Option(min=2, help="Phantoms of each family that are judged.")] = 30,
    ablation_seeds: Annotated[
        int, typer.Option(min=0, help="Trainings of each world of the ablation, and of students; 0 leaves both out.")
    ] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Stages that run side by side, one thread each.")] = 2,
    device: Device = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan, with times and size.")] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Measure the bundled models on unseen phantoms of two families, and on real scans; goes on where it stopped."""
    with user_errors():
        from ichnos.cli.evidence import EvidenceOptions, run_evidence

        run = run_evidence(EvidenceOptions(output, real, scans, ablation_seeds, workers, device, dry_run, quiet))
        if as_json:
            show_json(run)

"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Output = Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")]
Model = Annotated[
    str | None,
    typer.Option("-m", "--model", help="Name of a bundled model (see ichnos info), or a checkpoint folder."),
]
Device = Annotated[str, typer.Option("-d", "--device", help="auto, cpu or cuda:N.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only errors.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that are there.")]
AsJson = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]

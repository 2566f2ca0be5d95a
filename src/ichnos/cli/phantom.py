"""`ichnos phantom`: synthetic heads as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

from rich.console import Console
from rich.progress import track

from ichnos.cli.console import say
from ichnos.errors import UsageError
from ichnos.phantoms import PhantomSettings, make_phantom, write_phantom


def run_phantom(output: Path, seeds: Sequence[int], as_: str, *, overwrite: bool, quiet: bool) -> None:
    """Write one folder a phantom: the scan, its masks by subtype, its slice labels."""
    if as_ not in {"dicom", "nifti"}:
        raise UsageError(f"--as must be dicom or nifti; got {as_!r}")
    folders = [output / f"phantom-{seed:04d}" for seed in seeds]
    there = [folder for folder in folders if folder.exists()]
    if there and not overwrite:
        raise UsageError(f"{there[0]} is there already; give --overwrite to replace it, or another -o")
    steps = track(list(zip(seeds, folders, strict=True)), "Making phantoms", console=Console(stderr=True, quiet=quiet))
    for seed, folder in steps:
        write_phantom(make_phantom(seed, PhantomSettings()), folder, cast(Literal["dicom", "nifti"], as_))
    say(f"Wrote {len(folders)} phantoms to {output}; next: ichnos segment -i {output} -o results", quiet=quiet)

"""`ichnos phantom`: synthetic heads as files."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from ichnos.cli.console import say
from ichnos.errors import UsageError
from ichnos.phantoms import PhantomSettings, make_phantom, phantom_name, write_phantom
from ichnos.phantoms.features import FEATURES, WIDE
from ichnos.runtime.names import name_unknown

EVERY = "wide"
"""In place of a feature: all of them, each at its odds in `features.WIDE`."""


def choose_settings(features: Sequence[str]) -> PhantomSettings:
    """Phantoms that have the named features, each for certain.

    Raises:
        UsageError: no such feature.
    """
    odds = dict(WIDE) if EVERY in features else {}
    named = [name for name in features if name != EVERY]
    for name in named:
        if name not in FEATURES:
            raise UsageError(name_unknown(name, [EVERY, *FEATURES], "feature"))
    return PhantomSettings(features=odds | dict.fromkeys(named, 1.0))


def run_phantom(
    output: Path,
    seeds: Sequence[int],
    as_: str,
    *,
    settings: PhantomSettings = PhantomSettings(),  # noqa: B008 - frozen
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write OUTPUT/scans, ready to segment, and OUTPUT/truth with masks by subtype and slice labels."""
    if as_ not in {"dicom", "nifti"}:
        raise UsageError(f"--as must be dicom or nifti; got {as_!r}")
    there = [output / "truth" / phantom_name(seed) for seed in seeds]
    there = [folder for folder in there if folder.exists()]
    if there and not overwrite:
        raise UsageError(f"{there[0]} is there already; give --overwrite to replace it, or another -o")
    for seed in track(seeds, "Making phantoms", console=Console(stderr=True, quiet=quiet)):
        write_phantom(make_phantom(seed, settings), output, as_)
    say(
        f"Wrote {len(seeds)} phantoms to {output}; next: ichnos segment -i {output / 'scans'} -o results",
        quiet=quiet,
    )

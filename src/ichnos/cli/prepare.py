"""`ichnos prepare`: a collection on disk becomes a store of slices to train on."""

import json
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

import pydantic
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ichnos.cli.console import say
from ichnos.cohorts.case import Cohort
from ichnos.cohorts.case_slices import GridSettings
from ichnos.cohorts.prepare import prepare
from ichnos.cohorts.readers.registry import OPTIONS, open_cohort
from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import UsageError
from ichnos.preprocessing.recipe import PRESETS, Recipe
from ichnos.runtime.files import write_json
from ichnos.runtime.provenance import RESEARCH_USE, collect_versions, find_commit, timestamp

LEFT_OUT_SHARE = 0.05
"""More than this share left out is not well, even where every listed case could be used."""

_LISTING = ".listing"
"""What is slow to find out while listing, until the store is finished."""

BrainMask = Literal["own", "classical"]


@dataclass(frozen=True)
class PrepareOptions:
    """What the user asked for; see `ichnos prepare --help`."""

    name: str
    root: Path
    output: Path
    recipe: str = "ichnos"
    image_size: int | None = None
    field_of_view_mm: float | None = None
    brain_mask: str = "own"
    rater: str | None = None
    workers: int = 2
    max_bad: float | None = None
    overwrite: bool = False
    quiet: bool = False


def run_prepare(options: PrepareOptions) -> tuple[dict[str, Any], int]:
    """Prepare a collection; returns the run's record and the exit code.

    Writes the store, with `skipped.csv` (what was left out, and why) and `run.json`. The exit code
    is 1 if a larger share than `max_bad` was bad: of the cases that could not be used and the other
    files or cases left out, among all. Without `max_bad`, it is 1 if any case could not be
    used, or if more than `LEFT_OUT_SHARE` of all was bad.
    """
    if options.max_bad is not None and not 0.0 <= options.max_bad <= 1.0:
        raise UsageError(f"--max-bad is a share from 0 to 1; got {options.max_bad}")
    settings = choose_grid(options)
    started, began = timestamp(), time.perf_counter()
    cohort = _list(options)
    with _bar(len(cohort.cases), quiet=options.quiet) as progress:
        store = prepare(
            cohort, settings, options.output, options.workers, overwrite=options.overwrite, progress=progress
        )
    failed = len(cohort.cases) - len(store.names)
    left_out = len(store.description["skipped"]) - failed
    run = {
        "command": "prepare",
        "started": started,
        "seconds": round(time.perf_counter() - began, 2),
        "versions": collect_versions(),
        "commit": find_commit(),
        "cohort": options.name,
        "input": options.root,
        "output": options.output,
        "settings": asdict(settings),
        "licence": cohort.licence,
        "totals": {**store.description["totals"], "failed": failed, "left_out": left_out},
        "notes": list(cohort.notes),
        "skipped": store.description["skipped"],
        "notice": RESEARCH_USE,
    }
    write_json(options.output / "run.json", run)
    is_too_bad = judge(failed, len(cohort.cases), left_out, options.max_bad)
    (options.output / _LISTING).unlink(missing_ok=True)
    _say_last(options, cohort, store, is_too_bad=is_too_bad)
    return run, 1 if is_too_bad else 0


def judge(failed: int, cases: int, left_out: int, max_bad: float | None) -> bool:
    """Whether too much is bad.

    Args:
        failed: cases that could not be used.
        cases: that were listed, with those that failed.
        left_out: files or cases left out beside these.
        max_bad: share that is still well; None for the default.
    """
    bad = failed + left_out
    if max_bad is None:
        return failed > 0 or bad > LEFT_OUT_SHARE * (cases + left_out)
    return bad > max_bad * (cases + left_out)


def choose_grid(options: PrepareOptions) -> GridSettings:
    """The model grid of a preset, of a training recipe or of a recipe's file, with what the options change of it.

    Raises:
        UsageError: no such preset, no such file, not a recipe, or sizes that cannot be.
    """
    if options.brain_mask not in get_args(BrainMask):
        raise UsageError(f"--brain-mask is own or classical; got {options.brain_mask!r}")
    brain_mask: BrainMask = "classical" if options.brain_mask == "classical" else "own"
    if options.field_of_view_mm is not None and options.field_of_view_mm < 0:
        raise UsageError(f"--field-of-view is in mm, 0 for the whole slice; got {options.field_of_view_mm}")
    recipe = PRESETS.get(options.recipe) or _read_recipe(options.recipe)
    chosen = GridSettings.of(recipe, brain_mask)
    changes: dict[str, Any] = {}
    if options.image_size is not None:
        changes["image_size"] = options.image_size
    if options.field_of_view_mm is not None:
        changes |= {"field_of_view_mm": options.field_of_view_mm or None, "resized_to": None}
    return GridSettings(**{**asdict(chosen), **changes})


def _list(options: PrepareOptions) -> Cohort:
    """List the collection; what is slow to find out is kept beside the store until that is finished."""
    taken = OPTIONS.get(options.name, ())
    told: dict[str, Any] = {}
    if "workers" in taken:
        told["workers"] = options.workers
    if "cache" in taken and not (options.output / "store.json").exists():
        told["cache"] = options.output / _LISTING
    if options.rater is not None:
        told["rater"] = options.rater
    return open_cohort(options.name, options.root, **told)


def _read_recipe(name: str) -> Recipe:
    packaged = Path(str(files("ichnos"))) / "recipes" / f"{name}.toml"
    path = packaged if packaged.is_file() else Path(name)
    if not path.is_file():
        raise UsageError(
            f"no recipe {name!r}; give {', '.join(PRESETS)}, a recipe that `ichnos info` lists, or a .toml file"
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return Recipe.model_validate(content.get("preprocessing", content))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path} is no preprocessing recipe: {place}: {first['msg']}") from error


@contextmanager
def _bar(cases: int, *, quiet: bool) -> Iterator[Any]:
    """A progress bar on stderr; yields what tells it how far the work is."""
    columns = (
        TextColumn("Preparing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[name]}"),
    )
    with Progress(*columns, console=Console(stderr=True, quiet=quiet)) as bar:
        task = bar.add_task("", total=cases, name="")
        yield lambda done, name: bar.update(task, completed=done, name=name)


def _say_last(options: PrepareOptions, cohort: Cohort, store: SliceStore, *, is_too_bad: bool) -> None:
    totals = store.description["totals"]
    for note in cohort.notes:
        say(f"note: {note}", quiet=options.quiet)
    failed = len(cohort.cases) - len(store.names)
    left_out = len(store.description["skipped"]) - failed
    if failed or left_out:
        say(
            f"ichnos: {failed} of {len(cohort.cases)} cases could not be used, {left_out} other files or cases "
            f"were left out; {options.output / 'skipped.csv'} says which and why",
            quiet=options.quiet and not is_too_bad,
        )
    if totals["repairs"]:
        say(f"repaired: {json.dumps(totals['repairs'])}", quiet=options.quiet)
    if totals["vanished_slices"]:
        say(
            f"{totals['vanished_slices']} slices have drawn blood that is too small for, or outside, the model grid",
            quiet=options.quiet,
        )
    say(
        f"Wrote {totals['slices']} slices of {totals['cases']} cases, {totals['patients']} patients, to "
        f"{options.output}; next: ichnos cohort show {options.output}. Licence of the data: {cohort.licence}",
        quiet=options.quiet,
    )

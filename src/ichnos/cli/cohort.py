"""`ichnos cohort`: look at a prepared store, split it, compare it with another."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ichnos.cli.console import say, show_json, user_errors
from ichnos.cli.options import AsJson, Overwrite, Quiet

cohort_app = typer.Typer(
    name="cohort", help="Prepared stores: show, split, overlap.", no_args_is_help=True, rich_markup_mode=None
)

Store = Annotated[Path, typer.Argument(help="Folder that ichnos prepare wrote.")]


@cohort_app.command()
def show(
    store: Store,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A contact sheet, .png.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Read everything and compare checksums.")] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Counts of labels, patients, spacing, tilt; duplicates; a contact sheet."""
    with user_errors():
        from ichnos.cohorts.overview import describe_store
        from ichnos.cohorts.slice_store import load_store
        from ichnos.errors import UsageError

        if output is not None and output.suffix != ".png":
            raise UsageError(f"a contact sheet ends in .png; got {output}")
        opened = load_store(store, "checksums" if check else "sizes")
        described = describe_store(opened)
        if output is not None:
            from ichnos.reports.contact_sheet import write_contact_sheet

            write_contact_sheet(opened, output)
        _say_overview(described, quiet=quiet)
        if output is not None:
            say(f"Wrote {output}; look at it before you train", quiet=quiet)
        if as_json:
            show_json(described)


@cohort_app.command()
def split(
    store: Store,
    output: Annotated[Path, typer.Option("-o", "--output", help="File for the folds, .json.")],
    folds: Annotated[int, typer.Option("-k", "--folds", help="How many.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same folds.")] = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Deal patients into folds, stratified by scan label, and freeze them to a file."""
    with user_errors():
        from ichnos.cohorts.folds import make_folds, write_folds
        from ichnos.cohorts.slice_store import load_store
        from ichnos.errors import UsageError

        if output.exists() and not overwrite:
            raise UsageError(f"{output} is there already; give --overwrite to replace it, or another -o")
        opened = load_store(store)
        made = make_folds(opened, folds, seed)
        write_folds(made, output)
        sizes = ", ".join(str(made.folds.count(fold)) for fold in range(folds))
        say(f"Wrote {folds} folds of {sizes} scans, split by patient, to {output}", quiet=quiet)


@cohort_app.command()
def overlap(
    train: Annotated[Path, typer.Argument(help="Store to train on.")],
    test: Annotated[Path, typer.Argument(help="Store to test on.")],
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Scans and patients that two stores share; exit code 1 if there are any."""
    code = 0
    with user_errors():
        from ichnos.cohorts.leakage import find_overlap
        from ichnos.cohorts.slice_store import load_store

        stores = load_store(train), load_store(test)
        found = find_overlap(*stores)
        pairs = [
            {"train": stores[0].names[pair.train], "test": stores[1].names[pair.test], "by": pair.by}
            for pair in found.pairs
        ]
        told = ", ".join(f"{count} by {kind}" for kind, count in found.counts.items()) or "none"
        say(f"Test cases that are in the training store, or of its patients: {told}", quiet=quiet)
        if found.are_related and not found.were_compared:
            say("The collections have one origin, and nothing tells which scans they share", quiet=quiet)
        if as_json:
            show_json({"pairs": pairs, "counts": found.counts, "are_related": found.are_related})
        code = 1 if found.pairs or (found.are_related and not found.were_compared) else 0
    raise typer.Exit(code)


def _say_overview(described: dict[str, Any], *, quiet: bool) -> None:
    from ichnos.cli.console import show_table

    say(
        f"{described['cohort']}: {described['cases']} scans of {described['patients']} patients, "
        f"{described['slices']} slices of {' x '.join(str(size) for size in described['pixels'])} pixels; "
        f"{described['scans_with_masks']} scans with masks, {described['scans_with_masks_that_bleed']} of them bleed",
        quiet=quiet,
    )
    header = ("label", "slices yes", "no", "unknown", "scans yes", "no", "unknown")
    rows = [
        [name, *(str(counts[of][value]) for of in ("slices", "scans") for value in ("yes", "no", "unknown"))]
        for name, counts in described["labels"].items()
    ]
    show_table(header, rows, quiet=quiet)
    for name in ("slices_of_a_scan", "slice_gap_mm", "pixel_mm", "tilt_degrees"):
        if (spread := described[name]) is not None:
            say(f"{name}: {spread['least']:g} to {spread['most']:g}, median {spread['median']:g}", quiet=quiet)
    say(
        f"tilted: {described['tilted_scans']}; unevenly spaced: {described['unevenly_spaced_scans']}; "
        f"skipped: {described['totals'].get('skipped', 0)}; duplicates: {len(described['duplicates'])}",
        quiet=quiet,
    )
    for pair in described["duplicates"][:20]:
        say(f"  {' and '.join(pair['cases'])} are one scan, by {pair['by']}", quiet=quiet)
    for note in described["notes"]:
        say(f"note: {note}", quiet=quiet)

"""`ichnos`: the commands. Each imports what it needs when it runs, so that help is instant."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ichnos.cli.cohort import cohort_app
from ichnos.cli.console import show_json, user_errors
from ichnos.cli.experiments import evidence, reproduce
from ichnos.cli.options import AsJson, Device, Model, Output, Overwrite, Quiet

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads: spinning threads slow a shared machine

app = typer.Typer(
    name="ichnos",
    help="Label-efficient segmentation of intracranial hemorrhage in head CT.\n\n"
    "Research use only: not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(cohort_app)


@app.command()
def segment(
    inputs: Annotated[
        Path,
        typer.Option("-i", "--input", help="A scan (DICOM folder, zip, NIfTI), a folder of scans, or a CSV list."),
    ],
    output: Output,
    model: Model = None,
    series: Annotated[str | None, typer.Option(help="SeriesInstanceUID or SeriesNumber to take.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse scans with missing slices.")] = False,
    device: Device = "auto",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Trace unexpected errors.")] = False,
    as_json: AsJson = False,
    brain_mask: Annotated[
        str | None,
        typer.Option(help="Intracranial mask: auto, classical, learned; or yours, a NIfTI file or a folder of them."),
    ] = None,
) -> None:
    """Find and measure bleeding: one mask and one picture a scan, and a table of volumes."""
    with user_errors():
        from ichnos.cli.segment import SegmentOptions, run_segment

        options = SegmentOptions(inputs, output, model, series, strict, device, overwrite, quiet, verbose, brain_mask)
        run, code = run_segment(options)
        if as_json:
            show_json(run)
    raise typer.Exit(code)


@app.command()
def explain(
    inputs: Annotated[Path, typer.Option("-i", "--input", help="A scan, a folder of scans, or a CSV list.")],
    output: Output,
    model: Model = None,
    methods: Annotated[
        list[str] | None,
        typer.Option("--method", help="hgi-sam, swin-sam, grad-cam, grad-cam++, layer-cam; may be repeated."),
    ] = None,
    targets: Annotated[list[str] | None, typer.Option("--target", help="An output; may be repeated.")] = None,
    preset: Annotated[str, typer.Option(help="paper, or reference for what the released code does.")] = "paper",
    shown: Annotated[int | None, typer.Option("--slice", min=1, help="Slice to show, 1 at the feet.")] = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Show where the classifier looked: maps on the scan's grid, and a picture of stages and methods."""
    with user_errors():
        from ichnos.cli.explain import ExplainOptions, run_explain

        chosen = tuple(dict.fromkeys(methods or ("hgi-sam",)))
        options = ExplainOptions(
            inputs, output, model, chosen, tuple(targets or ()), preset, shown, device, overwrite, quiet
        )
        run, code = run_explain(options)
        if as_json:
            show_json(run)
    raise typer.Exit(code)


@app.command()
def evaluate(
    inputs: Annotated[Path, typer.Option("-i", "--input", help="Folder of the collection.")],
    cohort: Annotated[str, typer.Option("--cohort", help="Which collection it is, such as phantoms.")],
    output: Output,
    predictions: Annotated[
        Path | None, typer.Option("-p", "--predictions", help="Folder of masks, or a CSV of answers.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("-m", "--model", help="Model to predict with: a name or a checkpoint folder.")
    ] = None,
    protocols: Annotated[
        list[str] | None, typer.Option("--protocol", help="ichnos, hgi-sam, label-efficient; may be repeated.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option("--empty", help="Empty masks: excluded, counted-one, epsilon-one; default: protocol's."),
    ] = None,
    pattern: Annotated[str | None, typer.Option(help="Path of a mask below -p, such as ICH_{case}.nii.gz.")] = None,
    missing: Annotated[str, typer.Option(help="Cases without a prediction: refuse, or empty masks.")] = "refuse",
    cases: Annotated[Path | None, typer.Option("--cases", help="CSV whose column case says which to score.")] = None,
    folds: Annotated[
        Path | None, typer.Option("--folds", help="CSV with columns case,fold, or frozen folds (.json).")
    ] = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Score predictions of any tool, or a checkpoint, on a collection; resumable."""
    with user_errors():
        from ichnos.cli.evaluate import EvaluateOptions, run_evaluate

        options = EvaluateOptions(
            inputs=inputs,
            cohort=cohort,
            output=output,
            predictions=predictions,
            model=model,
            pattern=pattern,
            missing=missing,
            protocols=tuple(dict.fromkeys(protocols or ("ichnos",))),
            policy=policy,
            cases=cases,
            folds=folds,
            device=device,
            overwrite=overwrite,
            quiet=quiet,
        )
        summary, code = run_evaluate(options)
        if as_json:
            show_json(summary)
    raise typer.Exit(code)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Folder that `ichnos evaluate` wrote.")],
    second: Annotated[Path, typer.Argument(help="Another one, on the same cases.")],
    output: Output,
    protocol: Annotated[str, typer.Option(help="ichnos, hgi-sam or label-efficient.")] = "ichnos",
    policy: Annotated[str | None, typer.Option("--empty", help="Empty masks; default: the protocol's.")] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Compare two evaluated sets of predictions, paired, with tests by patient."""
    with user_errors():
        from ichnos.cli.compare import CompareOptions, run_compare

        comparison = run_compare(CompareOptions(first, second, output, protocol, policy, overwrite, quiet))
        if as_json:
            show_json(comparison)


@app.command()
def phantom(
    output: Output,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first; the others count up.")] = 0,
    as_: Annotated[str, typer.Option("--as", help="dicom or nifti.")] = "nifti",
    feature: Annotated[
        list[str] | None,
        typer.Option(help="A feature of each head, such as operated; or wide: all, at their odds. May be repeated."),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Make synthetic head CTs with bleeds of known shape and volume."""
    with user_errors():
        from ichnos.cli.phantom import choose_settings, run_phantom

        settings, seeds = choose_settings(feature or ()), range(seed, seed + count)
        run_phantom(output, seeds, as_, settings=settings, overwrite=overwrite, quiet=quiet)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a .toml file.")],
    output: Output,
    changes: Annotated[list[str] | None, typer.Option("--set", help="section.key=value; may be repeated.")] = None,
    device: Device = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes that prepare data.")] = 2,
    devices: Annotated[int, typer.Option(min=1, help="Processes that train together on this machine.")] = 1,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Train a network by a recipe; goes on where an interrupted run stopped."""
    with user_errors():
        from ichnos.cli.train import TrainOptions, run_train
        from ichnos.training.recipe import load_recipe

        options = TrainOptions(device, workers, devices, overwrite, quiet)
        run_train(load_recipe(recipe, changes or ()), output, options)


@app.command()
def prepare(
    name: Annotated[str, typer.Argument(help="Which collection, as ichnos reads it; a wrong name lists all.")],
    root: Annotated[Path, typer.Option("-i", "--input", help="Folder of the collection.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the store.")],
    recipe: Annotated[str, typer.Option(help="Model grid of a preset (paper, ichnos) or a .toml file.")] = "ichnos",
    image_size: Annotated[int | None, typer.Option(min=1, help="Rows and columns of a slice.")] = None,
    field_of_view: Annotated[float | None, typer.Option(help="Side around the head in mm; 0: whole slice.")] = None,
    brain_mask: Annotated[str, typer.Option(help="own: the collection's; classical: ours, in all cases.")] = "own",
    rater: Annotated[str | None, typer.Option(help="Whose masks to take, where several people drew.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that decode.")] = 2,
    max_bad: Annotated[
        float | None,
        typer.Option(help="Share of bad cases and files that is still well; default: no case, 5% with files."),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Make a collection on disk ready to train on; goes on where an interrupted run stopped."""
    with user_errors():
        from ichnos.cli.prepare import PrepareOptions, run_prepare

        options = PrepareOptions(
            name, root, output, recipe, image_size, field_of_view, brain_mask, rater, workers, max_bad, overwrite, quiet
        )
        run, code = run_prepare(options)
        if as_json:
            show_json(run)
    raise typer.Exit(code)


@app.command("import-weights")
def import_weights(
    source: Annotated[str, typer.Argument(help="A .pth or .safetensors file, a folder, or owner/name of a hub.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Checkpoint folder to write.")],
    preset: Annotated[str, typer.Option(help="paper or reference: how input and maps are made.")] = "paper",
    image_size: Annotated[int | None, typer.Option(min=1, help="Rows and columns of the input.")] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Make a checkpoint of a Swin classifier trained elsewhere (timm's or Hugging Face's naming)."""
    with user_errors():
        from ichnos.cli.import_weights import run_import_weights

        run_import_weights(source, output, preset, image_size=image_size, overwrite=overwrite, quiet=quiet)


@app.command()
def demo(output: Output = Path("demo-output"), quiet: Quiet = False, overwrite: Overwrite = False) -> None:
    """The whole idea in minutes: make phantoms, train on slice labels, segment, measure."""
    with user_errors():
        from ichnos.cli.demo import run_demo

        run_demo(output, overwrite=overwrite, quiet=quiet)


app.command()(reproduce)
app.command()(evidence)


@app.command()
def info(as_json: AsJson = False) -> None:
    """Versions, bundled model, recipes."""
    with user_errors():
        from ichnos.cli.info import run_info

        run_info(as_json=as_json)


def main() -> None:
    """Entry point of the console script."""
    app()

"""`ichnos demo`: the whole idea on synthetic heads, from nothing to a volume and a picture."""

import time
from pathlib import Path

from ichnos.cli.console import say, show_table
from ichnos.cli.phantom import run_phantom
from ichnos.cli.segment import SegmentOptions, run_segment
from ichnos.cli.train import TrainOptions, run_train
from ichnos.evaluation.phantom_score import PhantomScore, score_phantoms, summarise
from ichnos.phantoms import PhantomSettings, make_phantom, phantom_name
from ichnos.runtime.provenance import RESEARCH_USE
from ichnos.segmentation.segmenter import Segmenter, load_segmenter
from ichnos.training.recipe import load_recipe

_SEEDS = range(4)
"""Phantoms that the demo segments; no model was trained or calibrated on them."""


def run_demo(output: Path, *, overwrite: bool, quiet: bool) -> None:
    """Train a small Swin on slice labels of phantoms, segment fresh phantoms with it and with the bundled model."""
    began = time.perf_counter()
    recipe = load_recipe("phantom-demo")
    heads = recipe.data.test_settings
    say(f"Ichnos demo on synthetic heads that bleed within the brain. {RESEARCH_USE}", quiet=quiet)

    say("\n1. Train a small Swin on slice labels only: is there blood in this slice, yes or no?", quiet=quiet)
    model = output / "model"
    if overwrite or not (model / "ichnos.json").exists():
        run_train(recipe, model, TrainOptions(overwrite=overwrite, quiet=quiet))

    say(f"\n2. Make {len(_SEEDS)} fresh heads and write them as DICOM series.", quiet=quiet)
    phantoms = output / "phantoms"
    if overwrite or not phantoms.exists():
        run_phantom(phantoms, _SEEDS, "dicom", settings=heads, overwrite=overwrite, quiet=quiet)

    say("\n3. Segment them: HGI-SAM turns the attention of the classifier into masks.", quiet=quiet)
    scans = phantoms / "scans"
    _segment_scans(scans, output / "results-demo-model", model, overwrite=overwrite, quiet=quiet)
    _segment_scans(scans, output / "results-bundled-model", None, overwrite=overwrite, quiet=quiet)

    say("\n4. Hold masks and volumes against the truth, which only phantoms have.\n", quiet=quiet)
    for title, checkpoint in (("demo model, trained just now", model), ("bundled model", None)):
        _show_scores(title, load_segmenter(checkpoint), heads, quiet=quiet)
    say(
        f"\nDone in {time.perf_counter() - began:.0f} s. Look at {output}/results-demo-model/*/overlay.png; next: "
        "ichnos segment -i YOUR_CT_FOLDER -o results",
        quiet=quiet,
    )


def _segment_scans(scans: Path, results: Path, model: Path | None, *, overwrite: bool, quiet: bool) -> None:
    run_segment(SegmentOptions(scans, results, model=model, overwrite=overwrite, quiet=quiet))


def _show_scores(title: str, segmenter: Segmenter, heads: PhantomSettings, *, quiet: bool) -> None:
    scores = list(score_phantoms(segmenter, (make_phantom(seed, heads) for seed in _SEEDS)))
    say(f"  {title}:", quiet=quiet)
    rows = [_row(seed, score) for seed, score in zip(_SEEDS, scores, strict=True)]
    show_table(("phantom", "true mL", "predicted mL", "Dice"), rows, quiet=quiet)
    figures = summarise(scores)
    say(
        f"  ROC-AUC over {figures['slices']} slices {figures['slice_roc_auc']:.2f}; mean Dice over the "
        f"{figures['phantoms_with_bleed']} phantoms that bleed {figures['mean_dice']:.2f}. "
        "Phantoms, not patients.\n",
        quiet=quiet,
    )


def _row(seed: int, score: PhantomScore) -> tuple[str, str, str, str]:
    dice = "no bleed" if score.label_ml == 0 else f"{score.overlap.dice:.2f}"
    return phantom_name(seed), f"{score.label_ml:.1f}", f"{score.predicted_ml:.1f}", dice

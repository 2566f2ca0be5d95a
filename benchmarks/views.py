"""What it gains to show the default model each slice in several views: bleeds painted into a real scan without blood.

The same bleeds for each set of views, so that the ratio of mean Dice to that of the upright view alone tells.

Run: python benchmarks/views.py SCAN [--bleeds 50] [--seed 7]
"""

import argparse
from pathlib import Path

import numpy as np

from ichnos.evaluation.evidence.painted import paint_slices
from ichnos.metrics.overlap import count_overlap
from ichnos.scans import read_scan
from ichnos.segmentation.segmenter import load_segmenter
from ichnos.segmentation.settings import View

SETS: dict[str, tuple[View, ...]] = {
    "upright": ("upright",),
    "and mirrored": ("upright", "mirrored"),
    "and upside-down, both mirrored": ("upright", "mirrored", "upside-down", "half-turn"),
    "and mirrored, and quarter turns": ("upright", "mirrored", "quarter-turn", "quarter-back"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scan", type=Path)
    parser.add_argument("--bleeds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    scan, segmenter = read_scan(options.scan), load_segmenter(device="cpu")
    painted = list(paint_slices(scan, options.bleeds, options.seed))
    baseline = 0.0
    for name, views in SETS.items():
        shown = segmenter.with_settings(segmenter.settings.model_copy(update={"shown_as": views}))
        dice = np.mean([count_overlap(shown(one.scan).bleed_mask.voxels, one.bleed).dice for one in painted])
        baseline = baseline or float(dice)
        invented_ml = shown(scan).volume_ml
        print(f"{name:32} Dice {dice:.3f}, ratio to upright {dice / baseline:.2f}, invented {invented_ml:.1f} mL")


if __name__ == "__main__":
    main()

"""How well pseudo-targets agree with true masks: the table of docs/concepts/learning-strategies.md.

    python benchmarks/pseudo_targets.py [--work FOLDER]

Some minutes on one core. Targets of the bundled model, on phantoms that it never saw, count as masks at one half.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from ichnos.cohorts.phantom_slices import prepare_phantoms
from ichnos.cohorts.slice_store import BLEED
from ichnos.segmentation.segmenter import load_segmenter
from ichnos.training.pseudo_targets import write_pseudo_targets
from ichnos.training.recipe import load_recipe

SEEDS = range(500_000, 500_040)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="kept for the next run; by default a folder that is removed")
    work = parser.parse_args().work
    with tempfile.TemporaryDirectory() as place:
        measure(work or Path(place))


def measure(work: Path) -> None:
    recipe = load_recipe("phantom-swin")
    store = prepare_phantoms(SEEDS, recipe.data.settings, recipe.preprocessing, work / "store", workers=1)
    for refine in (False, True):
        targets = write_pseudo_targets(
            load_segmenter("phantom-swin-hgi", "cpu"), store, work / f"refine-{refine}", refine=refine
        )
        rows = np.flatnonzero(store.is_positive & targets.is_usable)
        masks, predicted = (store.marks[rows] & BLEED) != 0, targets.values[rows] >= 128
        hits, sizes = (predicted & masks).sum(axis=(1, 2)), predicted.sum(axis=(1, 2)) + masks.sum(axis=(1, 2))
        print(
            f"refine {refine}: {len(rows)} of {store.is_positive.sum()} bleeding slices, "
            f"mean slice Dice {(2 * hits / sizes).mean():.2f}, pooled {2 * hits.sum() / sizes.sum():.2f}"
        )


if __name__ == "__main__":
    main()

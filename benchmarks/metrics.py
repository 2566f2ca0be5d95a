"""How fast measures are, beside the usual way to get the same numbers, in one run on one thread.

- HD95, ASSD and NSD of a pair of masks on 40 x 512 x 512, voxels of 5 x 0.45 x 0.45 mm: ours against
  MONAI's three functions, which give the same figures there.
- Dice at 101 thresholds: in one pass against a pass for each threshold.
- Bootstrap by patient, 10,000 draws: by counts of patients against gathering the slices of each draw.

The ratios do not depend much on the machine; what is compared is checked to agree.

Run: python benchmarks/metrics.py
"""

import time
import warnings
from collections.abc import Callable

import numpy as np
import torch

from ichnos.evaluation.bootstrap import RESAMPLES, bootstrap_mean
from ichnos.metrics.overlap import THRESHOLDS, count_overlap, dice_by_threshold
from ichnos.metrics.surface import VoxelPlaces, measure_surfaces

SHAPE, SPACING_MM = (40, 512, 512), (5.0, 0.45, 0.45)
ROUNDS = 3


def ellipsoid_mask(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> np.ndarray:
    axes = np.ogrid[tuple(slice(0, length) for length in SHAPE)]
    return sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre, radii, strict=True)) <= 1


def best_seconds(task: Callable[[], object]) -> tuple[float, object]:
    best, result = float("inf"), None
    for _ in range(ROUNDS):
        start = time.perf_counter()
        result = task()
        best = min(best, time.perf_counter() - start)
    return best, result


def report(name: str, ours: Callable[[], object], usual: Callable[[], object], tolerance: float = 1e-5) -> None:
    taken, found = best_seconds(ours)
    usually, expected = best_seconds(usual)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    print(f"{name}: ours {taken * 1e3:.0f} ms, the usual way {usually * 1e3:.0f} ms, ratio {usually / taken:.1f}")


def compare_surfaces() -> None:
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice

    predicted, label = ellipsoid_mask((20, 250, 260), (6, 60, 45)), ellipsoid_mask((21, 255, 270), (7, 55, 50))
    theirs = [torch.from_numpy(mask)[None, None] for mask in (predicted, label)]
    options = {"include_background": True, "spacing": SPACING_MM}

    def ours() -> list[float]:
        found = measure_surfaces(predicted, label, VoxelPlaces.from_spacing(SHAPE[0], SPACING_MM))
        return [
            found.hausdorff_mm("excluded", percentile=95),
            found.mean_mm("excluded"),
            found.surface_dice(2.0, "excluded"),
        ]

    def monai() -> list[float]:
        return [
            compute_hausdorff_distance(*theirs, percentile=95, **options).item(),
            compute_average_surface_distance(*theirs, symmetric=True, **options).item(),
            compute_surface_dice(*theirs, class_thresholds=[2.0], **options).item(),
        ]

    report(f"HD95, ASSD and NSD of {np.count_nonzero(label):,} voxels, against MONAI", ours, monai)


def compare_thresholds() -> None:
    rng = np.random.default_rng(0)
    values = rng.random(SHAPE[1:])
    label, allowed = rng.random(SHAPE[1:]) < 0.05, rng.random(SHAPE[1:]) < 0.5

    def one_by_one() -> list[float]:
        return [count_overlap(allowed & (values >= threshold), label).dice for threshold in THRESHOLDS]

    report("Dice of a slice at 101 thresholds", lambda: dice_by_threshold(values, label, allowed), one_by_one)


def compare_bootstrap() -> None:
    rng = np.random.default_rng(0)
    patients = np.sort(rng.integers(0, 36, 318))
    values = rng.random(318) + rng.random(36)[patients]

    def draw_slices() -> tuple[float, float]:
        generator = np.random.default_rng(1)
        groups = [values[patients == patient] for patient in range(36)]
        means = [
            np.concatenate([groups[place] for place in generator.integers(0, 36, 36)]).mean() for _ in range(RESAMPLES)
        ]
        low, high = np.quantile(means, [0.025, 0.975])
        return float(low), float(high)

    def ours() -> tuple[float, float]:
        found = bootstrap_mean(values, patients, seed=0)
        return found.low, found.high

    report("bootstrap of 318 slices of 36 patients", ours, draw_slices, tolerance=0.01)


def main() -> None:
    warnings.simplefilter("ignore", FutureWarning)  # MONAI warns of its own calls
    torch.set_num_threads(1)
    compare_surfaces()
    compare_thresholds()
    compare_bootstrap()


if __name__ == "__main__":
    main()

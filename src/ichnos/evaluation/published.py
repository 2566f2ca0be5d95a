"""What both papers printed, to be set beside our own figures, and what can be recovered from it.

Method names are the papers'. Folds stand in the order 1 to 5, then over all slices.
"""

from dataclasses import dataclass

from ichnos.evaluation.tables import with_spread
from ichnos.metrics.detection import ConfusionMatrix


@dataclass(frozen=True)
class MeanSpread:
    """A mean with its standard error (first paper) or standard deviation (second), as printed."""

    mean: float
    spread: float


FOLDS = ("1", "2", "3", "4", "5", "all")

FOLD_SLICES = ((54, 542), (59, 463), (58, 501), (85, 487), (62, 503))
"""Slices with and without a bleed in folds 1 to 5 of the first paper: 318 of 2,814 in all."""

SEGMENTATION_BY_SLICE: dict[str, dict[str, tuple[tuple[float, float], ...]]] = {
    "dice": {
        "Swin-Grad-CAM": (
            (0.174, 0.025),
            (0.219, 0.024),
            (0.189, 0.032),
            (0.268, 0.022),
            (0.307, 0.026),
            (0.237, 0.012),
        ),
        "Swin-SAM multi-label": (
            (0.223, 0.029),
            (0.319, 0.021),
            (0.276, 0.032),
            (0.322, 0.025),
            (0.338, 0.029),
            (0.299, 0.012),
        ),
        "Swin-SAM binary": (
            (0.337, 0.031),
            (0.433, 0.025),
            (0.347, 0.033),
            (0.400, 0.025),
            (0.407, 0.022),
            (0.387, 0.012),
        ),
        "Swin-HGI-SAM": (
            (0.354, 0.040),
            (0.505, 0.026),
            (0.414, 0.034),
            (0.451, 0.029),
            (0.481, 0.030),
            (0.444, 0.014),
        ),
        "U-Net": ((0.302, 0.045), (0.336, 0.036), (0.442, 0.047), (0.555, 0.036), (0.491, 0.040), (0.438, 0.019)),
        "Swin-UNETR": ((0.281, 0.044), (0.434, 0.044), (0.399, 0.045), (0.571, 0.034), (0.522, 0.037), (0.455, 0.019)),
    },
    "iou": {
        "Swin-Grad-CAM": (
            (0.107, 0.017),
            (0.136, 0.017),
            (0.127, 0.023),
            (0.171, 0.015),
            (0.199, 0.019),
            (0.151, 0.008),
        ),
        "Swin-SAM multi-label": (
            (0.143, 0.020),
            (0.200, 0.015),
            (0.185, 0.024),
            (0.214, 0.018),
            (0.226, 0.022),
            (0.196, 0.009),
        ),
        "Swin-SAM binary": (
            (0.226, 0.024),
            (0.295, 0.020),
            (0.240, 0.026),
            (0.275, 0.019),
            (0.270, 0.018),
            (0.263, 0.010),
        ),
        "Swin-HGI-SAM": (
            (0.255, 0.031),
            (0.360, 0.022),
            (0.294, 0.027),
            (0.328, 0.024),
            (0.347, 0.026),
            (0.319, 0.012),
        ),
        "U-Net": ((0.228, 0.036), (0.238, 0.029), (0.352, 0.041), (0.453, 0.033), (0.381, 0.035), (0.343, 0.016)),
        "Swin-UNETR": ((0.210, 0.035), (0.338, 0.038), (0.308, 0.038), (0.458, 0.030), (0.403, 0.033), (0.355, 0.016)),
    },
}
"""Mean and standard error over slices that bleed, on PhysioNet (Rasoulian et al. 2023, table 1)."""

SEGMENTATION_P_VALUES = {
    "Swin-Grad-CAM": 1e-37,
    "Swin-SAM multi-label": 1e-29,
    "Swin-SAM binary": 0.0029,
    "U-Net": 0.829,
    "Swin-UNETR": 0.6184,
}
"""Two-sided paired t-tests against Swin-HGI-SAM (Rasoulian et al. 2023, section 5), as printed there."""

DETECTION: dict[str, dict[str, tuple[float, ...]]] = {
    "accuracy": {
        "Swin-SAM multi-label": (0.948, 0.958, 0.934, 0.967, 0.959, 0.953),
        "Swin-SAM binary": (0.953, 0.964, 0.928, 0.965, 0.954, 0.953),
        "Swin-HGI-SAM": (0.946, 0.958, 0.928, 0.953, 0.938, 0.945),
        "U-Net": (0.572, 0.751, 0.674, 0.692, 0.515, 0.639),
        "Swin-UNETR": (0.654, 0.816, 0.589, 0.685, 0.660, 0.679),
    },
    "balanced_accuracy": {
        "Swin-SAM multi-label": (0.821, 0.851, 0.712, 0.932, 0.935, 0.858),
        "Swin-SAM binary": (0.874, 0.891, 0.701, 0.950, 0.939, 0.879),
        "Swin-HGI-SAM": (0.904, 0.902, 0.731, 0.948, 0.937, 0.891),
        "U-Net": (0.731, 0.830, 0.765, 0.805, 0.721, 0.770),
        "Swin-UNETR": (0.785, 0.845, 0.732, 0.810, 0.788, 0.793),
    },
    "precision": {
        "Swin-SAM multi-label": (0.735, 0.894, 0.862, 0.893, 0.767, 0.830),
        "Swin-SAM binary": (0.724, 0.870, 0.800, 0.849, 0.731, 0.796),
        "Swin-HGI-SAM": (0.657, 0.803, 0.737, 0.784, 0.652, 0.725),
        "U-Net": (0.166, 0.304, 0.226, 0.322, 0.183, 0.231),
        "Swin-UNETR": (0.201, 0.369, 0.191, 0.319, 0.238, 0.253),
    },
    "f1": {
        "Swin-SAM multi-label": (0.699, 0.792, 0.575, 0.888, 0.830, 0.780),
        "Swin-SAM binary": (0.750, 0.832, 0.545, 0.888, 0.814, 0.789),
        "Swin-HGI-SAM": (0.742, 0.817, 0.583, 0.856, 0.768, 0.770),
        "U-Net": (0.282, 0.458, 0.359, 0.482, 0.308, 0.370),
        "Swin-UNETR": (0.331, 0.520, 0.315, 0.483, 0.381, 0.398),
    },
    "recall": {
        "Swin-SAM multi-label": (0.667, 0.712, 0.431, 0.882, 0.903, 0.736),
        "Swin-SAM binary": (0.778, 0.797, 0.414, 0.929, 0.919, 0.783),
        "Swin-HGI-SAM": (0.852, 0.831, 0.483, 0.941, 0.935, 0.821),
        "U-Net": (0.926, 0.932, 0.879, 0.965, 0.984, 0.940),
        "Swin-UNETR": (0.944, 0.881, 0.914, 0.988, 0.952, 0.940),
    },
    "specificity": {
        "Swin-SAM multi-label": (0.976, 0.989, 0.992, 0.982, 0.966, 0.981),
        "Swin-SAM binary": (0.970, 0.985, 0.988, 0.971, 0.958, 0.974),
        "Swin-HGI-SAM": (0.956, 0.974, 0.980, 0.955, 0.938, 0.960),
        "U-Net": (0.537, 0.728, 0.651, 0.645, 0.457, 0.600),
        "Swin-UNETR": (0.625, 0.808, 0.551, 0.632, 0.624, 0.645),
    },
}
"""By slice, on PhysioNet (Rasoulian et al. 2023, table 2).

What the table calls AUC is `balanced_accuracy` here: in each of its 30 cells it is the mean of recall
and specificity, as an AUC of yes-or-no answers is.
"""

DETECTION_COUNTS: dict[str, tuple[tuple[int, int, int, int], ...]] = {
    "Swin-SAM multi-label": ((36, 529, 13, 18), (42, 458, 5, 17), (25, 497, 4, 33), (75, 478, 9, 10), (56, 486, 17, 6)),
    "Swin-SAM binary": ((42, 526, 16, 12), (47, 456, 7, 12), (24, 495, 6, 34), (79, 473, 14, 6), (57, 482, 21, 5)),
    "Swin-HGI-SAM": ((46, 518, 24, 8), (49, 451, 12, 10), (28, 491, 10, 30), (80, 465, 22, 5), (58, 472, 31, 4)),
    "U-Net": ((50, 291, 251, 4), (55, 337, 126, 4), (51, 326, 175, 7), (82, 314, 173, 3), (61, 230, 273, 1)),
    "Swin-UNETR": ((51, 339, 203, 3), (52, 374, 89, 7), (53, 276, 225, 5), (84, 308, 179, 1), (59, 314, 189, 3)),
}
"""TP, TN, FP, FN of folds 1 to 5: the only whole numbers that give every figure of table 2.

Not printed in the paper; recovered from it by trying all that `FOLD_SLICES` allow.
"""

GROUPS = ("Hssayeni, all 75 volumes", "Hssayeni, 36 volumes with a bleed", "Seg-CQ500, 51 volumes")

VOLUME_MEASURES = ("dice", "precision", "recall")

SEGMENTATION_BY_VOLUME: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "Multi-label classification (DL)": (
        ((63.85, 39.96), (69.33, 38.78), (76.45, 33.23)),
        ((49.50, 31.95), (60.92, 33.04), (50.95, 32.37)),
        ((63.23, 29.44), (79.77, 23.33), (59.64, 30.74)),
    ),
    "Multi-label classification (CE)": (
        ((62.95, 39.63), (67.31, 38.95), (77.03, 32.32)),
        ((50.06, 30.77), (59.15, 32.08), (52.14, 31.35)),
        ((61.00, 30.53), (82.93, 20.73), (57.33, 31.74)),
    ),
    "Binary classification": (
        ((56.00, 41.29), (61.34, 41.20), (76.14, 33.72)),
        ((48.32, 31.52), (59.44, 32.99), (50.29, 32.90)),
        ((61.19, 29.63), (78.52, 25.16), (59.14, 31.29)),
    ),
    "Local contrastive": (
        ((58.62, 41.17), (69.31, 38.20), (73.37, 36.02)),
        ((45.42, 32.22), (67.71, 29.66), (44.53, 33.12)),
        ((56.27, 33.78), (79.44, 27.62), (51.32, 33.66)),
    ),
    "Global contrastive": (
        ((60.41, 40.22), (68.48, 38.73), (73.34, 35.56)),
        ((44.98, 29.57), (61.78, 31.72), (44.45, 31.99)),
        ((58.26, 31.22), (82.50, 21.36), (53.44, 31.87)),
    ),
    "Context restoration": (
        ((47.17, 41.70), (56.36, 41.57), (72.87, 36.71)),
        ((44.36, 31.34), (63.51, 29.55), (43.47, 33.75)),
        ((56.97, 29.88), (64.77, 27.80), (59.76, 30.87)),
    ),
    "U-Net 2D mixed + ICM": (
        ((38.39, 39.43), (46.29, 41.56), (72.18, 36.54)),
        ((42.22, 29.62), (58.68, 31.09), (42.05, 32.05)),
        ((56.22, 31.89), (69.35, 27.68), (56.46, 32.90)),
    ),
    "U-Net 2D mixed": (
        ((38.36, 39.43), (46.24, 41.56), (72.18, 36.54)),
        ((42.17, 29.60), (58.58, 31.13), (42.04, 32.04)),
        ((56.12, 31.95), (68.77, 28.49), (56.46, 32.90)),
    ),
    "U-Net 2D ICH-only + ICM": (
        ((18.51, 27.60), (19.22, 27.92), (73.49, 35.85)),
        ((38.31, 28.91), (39.78, 28.49), (44.77, 32.96)),
        ((53.74, 30.01), (57.13, 29.53), (59.03, 31.94)),
    ),
    "U-Net 2D ICH-only": (
        ((15.73, 25.22), (14.79, 24.13), (73.49, 35.85)),
        ((32.64, 27.92), (30.67, 27.05), (44.77, 32.96)),
        ((51.74, 29.78), (54.17, 29.25), (59.04, 31.93)),
    ),
}
"""Mean and standard deviation over volumes in percent, by method, `GROUPS` and `VOLUME_MEASURES`.

Spahr et al. 2023, table 3; policy `epsilon-one`. DL and CE are Dice loss and cross-entropy, ICM the
intracranial cavity mask.
"""

MILLISECONDS_PER_SLICE = {
    "U-Net": 10.0,
    "Swin-UNETR": 15.0,
    "Swin-SAM binary": 30.0,
    "Swin-HGI-SAM": 60.0,
    "Swin-Grad-CAM": 90.0,
}
"""About so long on an RTX 3090 (Rasoulian et al. 2023, section 6); compare ratios, not milliseconds."""


def segmentation_by_slice(measure: str, method: str, fold: str = "all") -> MeanSpread:
    """A cell of the first paper's table 1; measure `dice` or `iou`."""
    return MeanSpread(*SEGMENTATION_BY_SLICE[measure][method][FOLDS.index(fold)])


def segmentation_by_volume(measure: str, method: str, group: str) -> MeanSpread:
    """A cell of the second paper's table 3, in percent."""
    return MeanSpread(*SEGMENTATION_BY_VOLUME[method][GROUPS.index(group)][VOLUME_MEASURES.index(measure)])


def detection(measure: str, method: str, fold: str = "all") -> float:
    """A cell of the first paper's table 2; measure as in `ichnos.metrics.detection.RATES`."""
    return DETECTION[measure][method][FOLDS.index(fold)]


def detection_counts(method: str, fold: str = "all") -> ConfusionMatrix:
    """Confusion matrix behind table 2, of one fold or summed over all."""
    folds = [ConfusionMatrix(*counts) for counts in DETECTION_COUNTS[method]]
    return sum(folds, ConfusionMatrix(0, 0, 0, 0)) if fold == "all" else folds[FOLDS.index(fold)]


def segmentation_by_slice_cells(fold: str = "all") -> dict[str, dict[str, str]]:
    """Table 1 as text by method and measure, as `ichnos.evaluation.tables.compare_with_published` takes it."""
    return {
        method: {
            measure: _as_text(segmentation_by_slice(measure, method, fold), digits=3)
            for measure in SEGMENTATION_BY_SLICE
        }
        for method in SEGMENTATION_BY_SLICE["dice"]
    }


def detection_cells(fold: str = "all") -> dict[str, dict[str, str]]:
    """Table 2 as text by method and measure."""
    return {
        method: {measure: f"{detection(measure, method, fold):.3f}" for measure in DETECTION}
        for method in DETECTION_COUNTS
    }


def segmentation_by_volume_cells(group: str) -> dict[str, dict[str, str]]:
    """Table 3 as text by method and measure, in percent, for one of `GROUPS`."""
    return {
        method: {
            measure: _as_text(segmentation_by_volume(measure, method, group), digits=2) for measure in VOLUME_MEASURES
        }
        for method in SEGMENTATION_BY_VOLUME
    }


def _as_text(cell: MeanSpread, digits: int) -> str:
    return with_spread(cell.mean, cell.spread, digits)

"""How figures are made from raw scores: what an item is, which items count, what an empty mask is worth.

Two protocols are those of the papers, so that our figures can stand beside theirs; the third is what we hold
to be right. The same raw scores serve all three.
"""

from dataclasses import dataclass
from typing import Literal

from ichnos.metrics.detection import LEAST_FOREGROUND_PIXELS
from ichnos.runtime.names import choose_by_name

View = Literal["all", "bleeding"]


@dataclass(frozen=True)
class Protocol:
    """A frozen way to count.

    Attributes:
        name: in `PROTOCOLS`.
        source: where it is described.
        unit: what an item is; counts of a volume are the sums over its slices.
        grid: in `case_score.GRIDS`, where voxels are counted.
        views: items that enter: all, or those on whose grid a bleed is drawn. Each has its own figures.
        measures: names in `summarise.MEASURES`.
        policy: worth of empty masks, in `metrics.empty_policy.EMPTY_POLICIES`.
        spread: printed beside the mean: standard error or standard deviation (divisor n - 1), both over
            items, or a 95 % bootstrap interval that draws patients.
        by_fold: whether figures of each fold are given beside those of all.
        detection: units for which yes-or-no answers are scored.
        minimum_pixels: a slice of which only a mask was predicted counts as called from so many foreground
            pixels of `grid` on.
        measures_volumes: whether agreement of millilitres is reported.
    """

    name: str
    source: str
    unit: Literal["slice", "volume"]
    grid: str
    views: tuple[View, ...]
    measures: tuple[str, ...]
    policy: str
    spread: Literal["SE", "SD", "interval"]
    by_fold: bool = False
    detection: tuple[Literal["slice", "scan"], ...] = ()
    minimum_pixels: int = 1
    measures_volumes: bool = False


PROTOCOLS = {
    "hgi-sam": Protocol(
        name="hgi-sam",
        source="Rasoulian et al. 2023, 4.4 and tables 1 and 2",
        unit="slice",
        grid="384",
        views=("bleeding",),
        measures=("dice", "iou"),
        policy="excluded",
        spread="SE",
        by_fold=True,
        detection=("slice",),
        minimum_pixels=LEAST_FOREGROUND_PIXELS,
    ),
    "label-efficient": Protocol(
        name="label-efficient",
        source="Spahr et al. 2023, 2.4 and table 3",
        unit="volume",
        grid="256",
        views=("all", "bleeding"),
        measures=("dice", "precision", "recall"),
        policy="epsilon-one",
        spread="SD",
    ),
    "ichnos": Protocol(
        name="ichnos",
        source="docs/reference/protocols.md",
        unit="volume",
        grid="native",
        views=("all", "bleeding"),
        measures=(
            "dice",
            "iou",
            "precision",
            "recall",
            "surface_dice",
            "hd95_mm",
            "assd_mm",
            "lesion_f1",
            "lesion_recall",
            "absolute_error_ml",
        ),
        policy="excluded",
        spread="interval",
        by_fold=True,
        detection=("slice", "scan"),
        measures_volumes=True,
    ),
}


def choose_protocol(name: str) -> Protocol:
    """The protocol of that name; `UsageError` with the nearest name if there is none."""
    return choose_by_name(PROTOCOLS, name, "protocol")

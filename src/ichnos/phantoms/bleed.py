"""What a bleed is: a region and what it looks like."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ichnos.phantoms.fields import Field, Points

Region = Callable[[Points, dict[str, Field]], Field]
"""From positions and the other fields to a distance, below 0 inside."""

Within = Callable[[Points, Field], Field]
"""From positions and a bleed's region there to another field of the same bleed."""


@dataclass(frozen=True)
class Bleed:
    """One bleed.

    Attributes:
        subtype: one of `SUBTYPES`.
        region: from positions and the other fields to a distance, below 0 inside.
        hu: mean density.
        unrest_hu: standard deviation of the density inside.
        oedema_mm: width of the dark halo, 0 for none.
        oedema_hu: how much darker the halo is.
        halo: distance to a halo of its own shape, which spares the cortex; in place of `oedema_mm`.
        edge_mm: over how many mm the density falls at the edge, beyond the pixel.
        widened_mm: how much subarachnoid blood distends what it fills.
        off_mm: how far subarachnoid blood keeps from the inner table, where readers cannot tell it from bone.
        may_be_old: whether this is a subdural layer thick enough for an old collection.
        breaks_in: whether parenchymal blood also fills what it touches of the ventricles.
        labelled_share: a voxel of which more is blood, and less is bone, belongs to the mask.
        dilates_mm: how far the walls of the ventricles are pushed out by dammed-up fluid.
        shade: HU to be added inside: swirls, lakes of serum, a dense centre.
        level: height in mm above the level to which red cells sank.
        upper_hu: mean density above that level.
    """

    subtype: str
    region: Region
    hu: float
    unrest_hu: float
    oedema_mm: float = 0.0
    oedema_hu: float = 9.0
    halo: Within | None = None
    edge_mm: float = 0.0
    widened_mm: float = 0.7
    off_mm: float = 0.0
    may_be_old: bool = False
    breaks_in: bool = False
    labelled_share: float = 0.5
    dilates_mm: float = 0.0
    shade: Within | None = None
    level: Within | None = None
    upper_hu: float = 0.0


@dataclass(frozen=True)
class Wish:
    """What one bleed of a disease should be like.

    Attributes:
        subtype: one of `SUBTYPES`.
        place: a word that the drawer of the subtype knows; empty for any place.
        side: 1 right, -1 left, 0 either.
    """

    subtype: str
    place: str = ""
    side: float = 0.0


def fresh_hu(rng: np.random.Generator) -> tuple[float, float]:
    """Mean and spread of the density of fresh blood."""
    return float(rng.uniform(50.0, 82.0)), float(rng.uniform(1.0, 6.0))


def random_side(rng: np.random.Generator) -> float:
    """1 right or -1 left."""
    return 1.0 if rng.random() < 0.5 else -1.0


def wished_side(rng: np.random.Generator, wish: Wish) -> float:
    """The side of the wish, else either."""
    side = random_side(rng)
    return wish.side or side


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A draw whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def dilation_mm(bleeds: tuple[Bleed, ...]) -> float:
    """How far dammed-up fluid pushes out the walls of the ventricles."""
    return max((bleed.dilates_mm for bleed in bleeds), default=0.0)


def bleed_fields(bleeds: tuple[Bleed, ...], points: Points, fields: dict[str, Field]) -> dict[str, Field]:
    """Fields of all bleeds: `bleed-0`, and where the bleed has them `shade-0`, `level-0`, `halo-0`, ..."""
    found: dict[str, Field] = {}
    for index, bleed in enumerate(bleeds):
        region = found[f"bleed-{index}"] = bleed.region(points, fields)
        within = {"shade": bleed.shade, "level": bleed.level, "halo": bleed.halo}
        if any(within.values()):
            room = fields["ventricles" if bleed.subtype == "intraventricular" else "cavity"]
            filled = np.maximum(region, room)
            found |= {f"{name}-{index}": made(points, filled) for name, made in within.items() if made is not None}
    return found

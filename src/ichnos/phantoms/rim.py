"""What real scans show where brain meets bone: the places where phantoms are easiest to tell from patients.

Three features. `rim`: the rise under the inner table, +2 to +28 HU over 1 to 5 mm (beam hardening,
blooming, dura), which differs around the skull and with height, and a blurred inner table. `slab`:
a slice of some mm averages bone and brain where the bone slopes, at the vertex, on orbital roofs,
sphenoid wings and petrous ridges. `hardening`: dark bands and bright cupping between the petrous bones.
"""

from dataclasses import dataclass

import numpy as np

from ichnos.phantoms.features import Features
from ichnos.phantoms.fields import Field, Noise, Points, bump, step
from ichnos.phantoms.grid import Grid
from ichnos.phantoms.head import petrous_ridge


@dataclass(frozen=True)
class Rim:
    """How brain meets bone in one scan; sizes of 0 mean none.

    Attributes:
        uneven: spread of the logarithm of the rise around the skull.
        vertex, base: how much stronger the rise is there.
        soft_mm: blur of the inner table.
        averaged: whether sloping bone is averaged over the slice.
        band_hu, cup_hu, ripple_hu: dark bands, bright cupping and ripples at the base.
        patches: noise of the rise, 28 mm wide.
        ripples: noise of the bands, 9 mm wide.
    """

    uneven: float
    vertex: float
    base: float
    soft_mm: float
    averaged: bool
    band_hu: float
    cup_hu: float
    ripple_hu: float
    patches: Noise
    ripples: Noise


def draw_rim(features: Features) -> Rim:
    """Draw how brain meets bone."""
    rng, hard = features.stream("rim"), features.stream("hardening")
    rim, hardening = float("rim" in features), float("hardening" in features)
    return Rim(
        uneven=rim * float(rng.uniform(0.2, 0.9)),
        vertex=rim * float(rng.uniform(0.0, 1.0)),
        base=rim * float(rng.uniform(0.0, 1.2)),
        soft_mm=rim * float(rng.uniform(0.0, 2.2)),
        averaged="slab" in features,
        band_hu=hardening * float(hard.uniform(4.0, 30.0)),
        cup_hu=hardening * float(hard.uniform(2.0, 22.0)),
        ripple_hu=hardening * float(hard.uniform(0.0, 6.0)),
        patches=Noise.draw(rng, 28.0, 16),
        ripples=Noise.draw(hard, 9.0, 32),
    )


def rim_fields(rim: Rim, grid: Grid, points: Points, cavity: Field) -> dict[str, Field]:
    """Fields of the rim.

    Returns:
        rim_gain: how much stronger than average the rise under the skull is; blunt: width over which
        the edge of the bone is spread, in mm, beyond a pixel. Both only where they change something.
    """
    fields = {}
    if rim.uneven > 0.0:
        low = step(-points.z - 20.0, 20.0)
        high = step(points.z - 45.0, 25.0)
        spread = np.exp(np.float32(rim.uneven) * rim.patches.at(points) - np.float32(0.5 * rim.uneven**2))
        fields["rim_gain"] = spread * (1.0 + np.float32(rim.vertex) * high + np.float32(rim.base) * low)
    if rim.soft_mm > 0.0 or rim.averaged:
        slant = _slant(grid, cavity) * np.float32(grid.slab_mm if rim.averaged else 0.0)
        fields["blunt"] = slant + np.float32(rim.soft_mm)
    return fields


def hardening_field(rim: Rim, points: Points) -> Field:
    """Errors of beam hardening at the base, in HU, to be added inside the skull."""
    x = np.abs(points.x)
    level = bump(points.z + 38.0, 13.0)
    behind = points.y - petrous_ridge(x)
    band = bump(behind + 4.0, 7.0) * bump(x, 32.0)
    cup = bump(x - 45.0, 18.0) * bump(behind, 22.0) + 0.6 * bump(x, 30.0) * bump(points.y + 75.0, 18.0)
    lines = rim.ripples.at(Points(points.x * 0.2, points.y, points.z * 0.5)) * bump(points.z + 35.0, 22.0)
    return level * (cup * np.float32(rim.cup_hu) - band * np.float32(rim.band_hu)) + lines * np.float32(rim.ripple_hu)


def _slant(grid: Grid, cavity: Field) -> Field:
    """How level the inner table lies in the slice: 0 upright, 1 parallel to the slice."""
    across_mm = grid.pixel_mm * grid.stride
    steep = np.hypot(np.gradient(cavity, across_mm, axis=1), np.gradient(cavity, across_mm, axis=2))
    return np.sqrt(np.clip(1.0 - steep * steep, 0.0, 1.0))

"""Things that look like blood, or hide it, and are never labelled: what they are and how they are painted."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ichnos.phantoms.fields import Field, Points, step
from ichnos.phantoms.structures import Region
from ichnos.phantoms.tissue import Image, Plane, csf_distance, mix


@dataclass(frozen=True)
class LookAlike:
    """One thing that is not blood inside the skull.

    Attributes:
        region: where it is, as a distance in mm.
        place: in which tissue it can be; a key of `PLACES`.
        hu: its density.
        unrest_hu: standard deviation of its density.
        strength: share of the tissue that it replaces.
        softness_mm: width of its edge, at least a pixel.
        swell_mm: by how much the skin rises over it.
    """

    region: Region
    place: str
    hu: float
    unrest_hu: float = 0.0
    strength: float = 1.0
    softness_mm: float = 1.0
    swell_mm: float = 0.0


def look_alike_fields(found: tuple[LookAlike, ...], points: Points, fields: dict[str, Field]) -> dict[str, Field]:
    """Distance to each as `alike-0`, `alike-1`, ..., and the skin that rose over them."""
    added = {f"alike-{i}": one.region(points, fields).astype(np.float32) for i, one in enumerate(found)}
    skin = fields["skin"]
    for index, one in enumerate(found):
        if one.swell_mm:
            near = step(-added[f"alike-{index}"], 14.0) * step(fields["cavity"] + 10.0, 10.0)
            skin = skin - np.float32(one.swell_mm) * near
    return added | {"skin": skin} if found else added


def paint_look_alikes(image: Image, plane: Plane, found: tuple[LookAlike, ...]) -> Image:
    """Put those that a plane meets into its image."""
    for index, one in enumerate(found):
        name = f"alike-{index}"
        if plane.meets(name):
            share = PLACES[one.place](plane) * plane.inside(plane[name] / one.softness_mm)
            drift = plane["drift"] * plane.inside(plane["cavity"])
            image = mix(image, one.hu + one.unrest_hu * plane.grain + drift, one.strength * share)
    return image


def _cavity(plane: Plane) -> Image:
    return plane.inside(plane["cavity"])


def _tissue(plane: Plane) -> Image:
    return _cavity(plane) * plane.inside(-csf_distance(plane)) * plane.inside(-plane["ventricles"])


def _white(plane: Plane) -> Image:
    return _cavity(plane) * plane.inside(4.0 - csf_distance(plane)) * plane.inside(-plane["ventricles"])


def _sulci(plane: Plane) -> Image:
    return _cavity(plane) * plane.inside(csf_distance(plane)) * plane.inside(-plane["ventricles"])


def _ventricles(plane: Plane) -> Image:
    return _cavity(plane) * plane.inside(plane["ventricles"])


def _bone(plane: Plane) -> Image:
    return plane.inside(plane["skull"]) * plane.inside(-plane["cavity"])


def _scalp(plane: Plane) -> Image:
    return plane.inside(plane["skin"]) * plane.inside(-plane["skull"]) * plane.inside(-plane["cavity"])


def _outside(plane: Plane) -> Image:
    return plane.inside(plane["skin"]) * plane.inside(-plane["cavity"])


def _air(plane: Plane) -> Image:
    cells = np.clip(plane["cells"] * 8.0, 0.0, 1.0) * plane.inside(plane["skull"] + 2.0)
    return _outside(plane) * np.maximum(plane.inside(plane["air"]), 0.6 * cells)


def _head(plane: Plane) -> Image:
    return plane.inside(plane["skin"])


PLACES: dict[str, Callable[[Plane], Image]] = {
    "cavity": _cavity,
    "tissue": _tissue,
    "white": _white,
    "sulci": _sulci,
    "ventricles": _ventricles,
    "bone": _bone,
    "scalp": _scalp,
    "outside": _outside,
    "air": _air,
    "head": _head,
}
"""Name of a tissue to the share of each pixel that it fills."""

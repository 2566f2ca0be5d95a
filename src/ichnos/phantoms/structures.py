"""Normal things inside the skull that are as dense as blood, or darker than brain.

Each belongs to a feature and replaces the tissue where it lies, under bleeds and distractors.
Sizes and densities are typical of adults, drawn wide: a dense sinus is what a reader takes for a
subdural bleed first.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ichnos.phantoms.features import Features
from ichnos.phantoms.fields import Field, Noise, Points, bump, ellipsoid, folded, rod, step
from ichnos.phantoms.head import petrous_ridge
from ichnos.phantoms.tissue import Image, Plane, mix, under_table

THINNEST = 0.2
"""Share of its thickness that dura keeps where it is thinnest."""

Region = Callable[[Points, dict[str, Field]], Field]
"""From positions and the other fields to a distance, below 0 inside."""


@dataclass(frozen=True)
class Structure:
    """One structure.

    Attributes:
        region: where it is.
        hu: its density.
        unrest_hu: standard deviation of its density.
        softness_mm: width of its edge, at least a pixel.
    """

    region: Region
    hu: float
    unrest_hu: float
    softness_mm: float = 1.0


def draw_structures(features: Features) -> tuple[Structure, ...]:
    """Draw the structures of the features that a head has, in the order in which they are painted."""
    return tuple(s for name, draw in DRAWERS.items() if name in features for s in draw(features.stream(name)))


def structure_fields(structures: tuple[Structure, ...], points: Points, fields: dict[str, Field]) -> dict[str, Field]:
    """Distance to each structure as `structure-0`, `structure-1`, ..."""
    return {f"structure-{i}": s.region(points, fields).astype(np.float32) for i, s in enumerate(structures)}


def paint_structures(image: Image, plane: Plane, structures: tuple[Structure, ...]) -> Image:
    """Put the structures that a plane meets into its image."""
    inside = plane.inside(plane["cavity"])
    for index, structure in enumerate(structures):
        name = f"structure-{index}"
        if plane.meets(name):
            density = structure.hu + structure.unrest_hu * plane.grain + plane["drift"]
            image = mix(image, under_table(plane, density), inside * plane.inside(plane[name] / structure.softness_mm))
    return image


def _draw_veins(rng: np.random.Generator) -> tuple[Structure, ...]:
    sagittal_mm, transverse_mm, torcula_mm, straight_mm = (
        float(rng.uniform(*span)) for span in ((2.5, 6.0), (3.0, 7.0), (3.0, 9.5), (1.2, 3.2))
    )
    dominance = float(np.clip(rng.normal(0.25, 0.4), -0.8, 0.8))
    noise = Noise.draw(rng, 15.0, 16)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        depth, tentorium = -0.75 * fields["cavity"], 0.8 * fields["tentorium"]
        size = 1.0 + 0.2 * noise.at(points)
        side = size * (1.0 + dominance * np.tanh(points.x / 15.0)) * transverse_mm
        sagittal = np.hypot(fields["midline"], depth) - size * sagittal_mm * step(tentorium, 4.0)
        transverse = np.hypot(tentorium, depth) - side * step(-points.y - 25.0, 10.0)
        torcula = np.sqrt(points.x**2 + tentorium**2 + depth**2) - size * torcula_mm + 40.0 * step(points.y + 35.0, 5.0)
        wall = np.hypot(points.y - petrous_ridge(np.abs(points.x)) + 9.0, depth)
        sigmoid = wall - side * step(np.abs(points.x) - 36.0, 5.0) * step(2.0 - tentorium, 4.0)
        straight = _tube(points, ((0.0, -34.0, 3.0), (0.0, -58.0, 1.0), (0.0, -84.0, -9.0)), straight_mm)
        inner = _tube(folded(points), ((2.5, 8.0, 10.0), (2.0, -22.0, 9.0), (0.0, -36.0, 3.0)), 0.5 * straight_mm)
        distance = np.minimum(np.minimum(sagittal, transverse), np.minimum(torcula, sigmoid))
        return np.minimum(distance, np.minimum(straight, inner))

    return (Structure(region, float(rng.uniform(48.0, 76.0)), float(rng.uniform(0.0, 4.0))),)


def _draw_arteries(rng: np.random.Generator) -> tuple[Structure, ...]:
    basilar_mm, carotid_mm, middle_mm, small_mm = (
        float(rng.uniform(*span)) for span in ((1.2, 3.2), (1.5, 3.0), (0.8, 2.0), (0.6, 1.4))
    )
    winding, drop = float(rng.normal(0.0, 3.0)), float(rng.normal(0.0, 2.0))
    gland = tuple(float(v) for v in rng.uniform((5.0, 4.0, 2.5), (9.0, 7.0, 5.5)))

    def region(points: Points, fields: dict[str, Field]) -> Field:
        sides = folded(points)
        parts = (
            _tube(points, ((0.0, 0.0, -20.0), (winding, -3.0, -33.0), (0.0, -7.0, -48.0)), basilar_mm),
            _tube(sides, ((0.0, -7.0, -48.0), (8.0, -14.0, -60.0), (12.0, -24.0, -72.0)), 0.8 * basilar_mm),
            _tube(sides, ((11.0, 14.0, -24.0), (9.0, 12.0, -18.0)), carotid_mm),
            _tube(sides, ((9.0, 12.0, -18.0), (24.0, 13.0, -16.0 + drop), (38.0, 14.0, -12.0 + drop)), middle_mm),
            _tube(sides, ((38.0, 14.0, -12.0 + drop), (42.0, 4.0, 4.0), (44.0, -12.0, 12.0)), small_mm),
            _tube(sides, ((9.0, 12.0, -18.0), (2.0, 22.0, -14.0), (2.0, 38.0, 6.0), (2.0, 18.0, 26.0)), small_mm),
            _tube(sides, ((1.0, 0.0, -20.0), (13.0, -8.0, -18.0), (17.0, -26.0, -12.0)), small_mm),
        )
        return np.minimum.reduce(parts)

    def pituitary(points: Points, fields: dict[str, Field]) -> Field:
        return ellipsoid(points, (0.0, 10.0, -28.0), (gland[0], gland[1], gland[2]))

    hu = float(rng.uniform(42.0, 72.0))
    return (Structure(region, hu, 2.0), Structure(pituitary, float(rng.uniform(42.0, 60.0)), 2.0, 1.5))


def _draw_dura(rng: np.random.Generator) -> tuple[Structure, ...]:
    falx_mm, tentorium_mm = float(rng.uniform(0.3, 1.4)), float(rng.uniform(0.3, 1.3))
    patchy, noise, flecks = float(rng.uniform(0.0, 0.5)), Noise.draw(rng, 25.0, 16), Noise.draw(rng, 9.0, 32)
    rare = float(rng.uniform(0.9, 2.4))

    def region(points: Points, fields: dict[str, Field]) -> Field:
        size = np.maximum(1.0 + patchy * noise.at(points), THINNEST)
        falx = np.maximum(_thick(fields["midline"], falx_mm * size), -fields["falx_reach"])
        sheet = _thick(fields["tentorium"], tentorium_mm * size)
        return np.minimum(falx, np.maximum(sheet, 1.0 - 4.0 * (fields["tentorium_mm"] + 0.4)))

    def plaques(points: Points, fields: dict[str, Field]) -> Field:
        falx = np.maximum(_thick(fields["midline"], 1.0 + falx_mm), 1.0 - fields["falx_reach"])
        return np.maximum(falx, 4.0 * (rare - flecks.at(points)))

    hu = float(rng.uniform(42.0, 72.0))
    return (Structure(region, hu, 3.0), Structure(plaques, float(rng.uniform(85.0, 400.0)), 20.0))


def _draw_cysts(rng: np.random.Generator) -> tuple[Structure, ...]:
    kinds = rng.random(len(CYSTS)) < 0.35
    kinds[int(rng.integers(len(CYSTS)))] = True
    hu = float(rng.uniform(2.0, 15.0))
    return tuple(Structure(cyst(rng), hu, 1.0) for cyst, there in zip(CYSTS, kinds, strict=True) if there)


def _magna(rng: np.random.Generator) -> Region:
    axes = (float(rng.uniform(10.0, 24.0)), float(rng.uniform(8.0, 16.0)), float(rng.uniform(8.0, 18.0)))
    side = float(rng.normal(0.0, 4.0))
    return lambda points, fields: ellipsoid(points, (side, -68.0, -58.0), axes)


def _arachnoid(rng: np.random.Generator) -> Region:
    side = 1.0 if rng.random() < 0.5 else -1.0
    places = ((42.0, 26.0, -24.0), (50.0, 40.0, 10.0), (48.0, -48.0, -30.0), (40.0, -30.0, 55.0))
    x, y, z = places[int(rng.choice(len(places), p=(0.5, 0.15, 0.2, 0.15)))]
    wide, long, tall = (float(v) for v in rng.uniform((8.0, 10.0, 8.0), (20.0, 26.0, 20.0)))
    return lambda points, fields: ellipsoid(points, (side * x, y, z), (wide, long, tall))


def _cavum(rng: np.random.Generator) -> Region:
    half_mm, reach = float(rng.uniform(1.5, 5.0)), float(rng.uniform(-25.0, 4.0))
    return lambda points, fields: _tube(points, ((0.0, 18.0, 7.0), (0.0, reach, 15.0)), half_mm)


def _subdural_space(rng: np.random.Generator) -> Region:
    """Wide subdural spaces or hygromas, mostly in front and on both sides."""
    right, left = (float(v) for v in rng.uniform(0.0, 1.0, 2) * rng.uniform(3.0, 12.0))
    middle, noise = float(rng.uniform(0.0, 60.0)), Noise.draw(rng, 25.0, 16)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        thick = left + (right - left) * step(points.x, 6.0)
        frontal = bump(np.minimum(points.y - middle, 0.0), 30.0) * step(points.z + 5.0, 12.0)
        return -fields["vault"] - thick * frontal * (1.0 + 0.3 * noise.at(points)) + 0.5

    return region


def _thick(sheet: Field, half_mm: Field | float) -> Field:
    """Distance to a sheet as a quadratic, which coarse lattices carry without loss."""
    return np.clip((sheet * sheet - half_mm * half_mm) * np.float32(0.5) / half_mm, -50.0, 50.0)


def _tube(points: Points, nodes: tuple[tuple[float, float, float], ...], radius_mm: float) -> Field:
    """Distance to a bent tube as a quadratic, for the same reason."""
    away = rod(points, tuple((*node, 0.0) for node in nodes))
    return np.minimum((away * away - np.float32(radius_mm**2)) * np.float32(0.5 / radius_mm), 50.0)


CYSTS = (_magna, _arachnoid, _cavum, _subdural_space)
"""Large fluid spaces: cisterna magna, arachnoid cyst, cavum septi, subdural space."""

DRAWERS: dict[str, Callable[[np.random.Generator], tuple[Structure, ...]]] = {
    "cysts": _draw_cysts,
    "dura": _draw_dura,
    "arteries": _draw_arteries,
    "veins": _draw_veins,
}
"""Feature to the function that draws its structures."""

"""The brain and what surrounds it inside the skull, as functions of position."""

from dataclasses import dataclass

import numpy as np

from ichnos.phantoms.fields import Field, Noise, Points, capsule, ellipsoid, folded, moved, rod, scaled, step
from ichnos.phantoms.head import petrous_ridge


@dataclass(frozen=True)
class Brain:
    """What differs from brain to brain.

    Attributes:
        atrophy: 0 young and tight to 1 wide sulci, ventricles and cisterns.
        sulci: the folding pattern, and how open each region's sulci are.
        openness: how open the sulci of each region are.
        bend: moves the sulci so that they fold.
        ventricle_scale: size of the ventricles.
        tentorium_mm: height of its top in the midline.
        falx_mm: half-thickness of the falx.
        ventricle_skew: how much larger than the left the right lateral ventricle is.
    """

    atrophy: float
    sulci: Noise
    openness: Noise
    bend: tuple[Noise, Noise, Noise]
    ventricle_scale: float
    tentorium_mm: float
    falx_mm: float
    ventricle_skew: float = 0.0


def draw_brain(rng: np.random.Generator) -> Brain:
    """Draw a brain."""
    atrophy = float(rng.beta(1.3, 1.4))
    return Brain(
        atrophy=atrophy,
        sulci=Noise.draw(rng, float(rng.uniform(11.0, 14.0)), 36),
        openness=Noise.draw(rng, 30.0, 16),
        bend=(Noise.draw(rng, 16.0), Noise.draw(rng, 16.0), Noise.draw(rng, 16.0)),
        ventricle_scale=float((0.65 + 0.75 * atrophy) * rng.normal(1.0, 0.1)),
        tentorium_mm=float(rng.normal(-8.0, 3.0)),
        falx_mm=float(rng.uniform(0.5, 1.0)),
    )


def brain_fields(brain: Brain, points: Points, cavity: Field) -> dict[str, Field]:
    """Fields inside the cavity; see each helper for what they mean."""
    bx, by, bz = (noise.at(points) for noise in brain.bend)
    bend, openness = Points(bx, by, bz), brain.openness.at(points)
    fields = _partitions(brain, points, cavity, Points(bx, by, openness))
    fields["ventricles"] = _ventricles(brain, points, bend)
    fields["cisterns"] = _cisterns(brain, points, bend)
    fields["deep_grey"] = _deep_grey(points)
    stem = np.minimum(_stem(points), 50.0)
    behind = petrous_ridge(np.abs(points.x)) + 4.0 - points.y
    fields["hindbrain"] = np.minimum(stem, np.maximum(fields["tentorium"], -behind))
    fields |= _sulci(brain, points, fields | {"cavity": cavity, "openness": openness}, bend)
    fields["gap"] = _gap(brain, points, openness)
    return fields


def _stem(points: Points) -> Field:
    return rod(points, ((0.0, -15.0, -13.0, 13.0), (0.0, -18.0, -28.0, 15.0), (0.0, -36.0, -85.0, 8.0)))


def _partitions(brain: Brain, points: Points, cavity: Field, noise: Points) -> dict[str, Field]:
    """Midline and tentorium sheets, signed, with the half-widths of what lies on them."""
    x, y, z = points
    midline = x + noise.x * 0.9
    joined = np.sqrt(((y + 4.0) / 43.0) ** 2 + ((z - 1.0) / 29.0) ** 2)
    tentorium = z - (brain.tentorium_mm - 0.32 * np.abs(x) - 0.06 * np.clip(-y - 40.0, 0.0, None))
    above = step(tentorium - 2.0, 3.0)
    open_mm = (0.2 + 1.1 * brain.atrophy) * (1.0 + 0.4 * noise.z) + 0.5 * step(y - 20.0, 15.0)
    fissure = np.where(joined > 1.0, open_mm, -4.0) * above - 4.0 * (1.0 - above)
    reach = np.float32(24.0) + 0.18 * np.clip(-y, -60.0, 60.0)
    falx = brain.falx_mm * step(reach + cavity, 4.0) * step(joined - 1.08, 0.06) * above
    edge = np.sqrt(x**2 + (y + 22.0) ** 2) - 24.0
    there = step(edge, 3.0) * step(petrous_ridge(np.abs(x)) + 6.0 - y, 4.0)
    return {
        "midline": midline,
        "fissure": fissure,
        "falx": falx - 0.3,
        "falx_reach": np.minimum(np.minimum(reach + cavity, (joined - 1.08) * 30.0), tentorium),
        "tentorium": tentorium,
        "tentorium_mm": 1.2 * there - 0.6,
        "sagittal_sinus": np.abs(x) - 0.8 * cavity - 4.0 * step(tentorium, 4.0),
        "transverse_sinus": np.abs(tentorium) * 0.9 - 0.8 * cavity - 6.0 * step(-y - 25.0, 10.0),
    }


def _ventricles(brain: Brain, points: Points, bend: Points) -> Field:
    scale = brain.ventricle_scale
    sides = folded(moved(points, scaled(bend, 0.7)))
    flat = Points(sides.x * 1.35, sides.y, sides.z * 0.8)
    lateral = rod(
        flat,
        (
            (17.0, 33.0, 1.0, 3.6),
            (8.0, 18.0, 8.0, 5.6),
            (12.0, -7.0, 17.0, 5.2),
            (29.0, -36.0, 11.0, 6.8),
            (32.0, -50.0, 4.0, 4.2),
            (28.0, -66.0, 0.0, 1.4),
        ),
    )
    temporal = rod(flat, ((29.0, -36.0, 12.0, 4.5), (42.0, -24.0, -12.0, 2.2), (40.0, 0.0, -22.0, 1.6)))
    lateral = np.minimum(lateral, temporal + 0.8) - 3.6 * (scale - 1.0)
    if brain.ventricle_skew:
        lateral = lateral - np.float32(2.5 * brain.ventricle_skew) * np.tanh(points.x / np.float32(8.0))
    foramen = capsule(sides, (5.5, 15.0, 8.0), (0.8, 6.0, 2.0), (2.4, 1.5))
    third = ellipsoid(points, (0.0, -4.0, -1.0), (1.6 + 2.4 * brain.atrophy, 14.0, 9.0))
    fourth = ellipsoid(points, (0.0, -38.0, -34.0), (6.5, 4.5, 10.0)) - (scale - 1.0)
    return np.minimum(np.minimum(lateral, foramen), np.minimum(third, fourth))


def _cisterns(brain: Brain, points: Points, bend: Points) -> Field:
    """CSF spaces at the base, Sylvian fissures and the rim around the brainstem."""
    sides = folded(moved(points, scaled(bend, 1.5)))
    wide = brain.atrophy
    star = rod(sides, ((0.0, 22.0, -17.0, 1.5), (0.0, 9.0, -20.0, 5.0), (15.0, -1.0, -19.0, 2.0)))
    star = star - 0.8 * bend.z - wide
    carotid = capsule(sides, (3.0, 12.0, -19.0), (38.0, 20.0, -12.0), (3.0, 0.8 + wide))
    sylvian = ellipsoid(sides, (42.0, 6.0, 3.0), (1.2 + 2.2 * wide, 18.0, 13.0))
    stem_way = ellipsoid(sides, (54.0, 14.0, -1.0), (15.0, 1.0 + 2.2 * wide, 9.0))
    stem = _stem(points)
    ambient = np.abs(stem - 1.5 - bend.x) - (0.6 + 1.3 * wide + 1.2 * bend.y) * step(-5.0 - points.z, 3.0)
    ambient = np.maximum(ambient, np.maximum(-points.z - 22.0, points.y + 8.0))
    prepontine = ellipsoid(sides, (0.0, 0.0, -34.0), (9.0, 3.5, 16.0))
    plate = ellipsoid(sides, (0.0, -33.0, 0.0), (9.0, 4.0 + wide, 6.0))
    magna = ellipsoid(sides, (0.0, -66.0, -66.0), (12.0, 12.0, 7.0))
    canal = np.abs(stem - 3.0) - 2.0 + np.clip(points.z + 66.0, 0.0, 20.0)
    shapes = (star, carotid, sylvian, stem_way, ambient, prepontine, plate, magna, canal)
    distance = shapes[0]
    for shape in shapes[1:]:
        distance = np.minimum(distance, shape)
    return np.maximum(distance, np.minimum(-stem, 3.0))


def _deep_grey(points: Points) -> Field:
    sides = folded(points)
    thalamus = ellipsoid(sides, (11.0, -14.0, 4.0), (8.0, 14.0, 9.0))
    lentiform = ellipsoid(sides, (26.0, 4.0, 1.0), (7.0, 17.0, 9.0))
    caudate = capsule(sides, (12.5, 22.0, 6.0), (17.0, 2.0, 17.0), (5.5, 3.0))
    return np.minimum(np.minimum(thalamus, lentiform), caudate)


def _sulci(brain: Brain, points: Points, fields: dict[str, Field], bend: Points) -> dict[str, Field]:
    """Sulcal sheets as the zeros of noise that is constant along rays from the centre.

    Returns:
        sulcus: signed distance to the nearest sheet, about in mm;
        sulcus_mm: half-width of its CSF, below 0 where closed;
        cortex: above 0 where there can be cortex around a sheet.
    """
    x, y, z = points
    radius = np.sqrt(x * x + y * y + z * z) + np.float32(8.0)
    pull = (np.float32(72.0) / radius) ** np.float32(0.8)
    bent = moved(Points(x * pull, y * pull, z * pull), scaled(bend, 3.5))
    sheet = brain.sulci.at(bent)
    sheet = sheet / np.maximum(_steepness(sheet, points), 0.07)
    room = np.float32(20.0) + 5.0 * fields["openness"] + fields["cavity"]
    away = step(fields["hindbrain"] - 4.0, 3.0)
    open_mm = 1.5 * brain.atrophy + 0.6 * fields["openness"] - 0.4 * step(-z, 20.0)
    return {
        "sulcus": sheet,
        "sulcus_mm": np.minimum(open_mm, room * 0.16) * away - 3.0 * (1.0 - away),
        "cortex": np.minimum(room + 5.0, fields["hindbrain"] - 2.0),
    }


def _steepness(field: Field, points: Points) -> Field:
    """In-plane slope of a field, per mm."""
    across_mm = float(np.sqrt(sum((p[0, 0, 1] - p[0, 0, 0]) ** 2 for p in points)))
    return np.hypot(np.gradient(field, across_mm, axis=1), np.gradient(field, across_mm, axis=2))


def _gap(brain: Brain, points: Points, openness: Field) -> Field:
    """Width of the CSF between skull and brain, in mm."""
    frontal = 1.0 + 0.8 * step(points.y - 30.0, 30.0) * step(points.z, 20.0)
    return (0.3 + 2.6 * brain.atrophy**1.5) * frontal * (1.0 + 0.5 * openness)

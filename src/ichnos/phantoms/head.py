"""Cavity, skull and skin: the surfaces that everything else is placed against.

The frame of the head: origin between the thalami, x to the patient's right, y to the front,
z up, in mm; horizontal is about the plane through the orbits' roofs and the ear canals.
Sizes are typical adult ones, varied from head to head.
"""

from dataclasses import dataclass

import numpy as np

from ichnos.phantoms.fields import Field, Noise, Points, bump, ellipsoid, folded, moved, smooth_max, step


@dataclass(frozen=True)
class Head:
    """One head's proportions.

    Attributes:
        half_width_mm: of the cranial cavity.
        front_mm: from the centre to the front of the cavity.
        back_mm: to its back.
        top_mm: to its top.
        squareness: exponent of the super-ellipsoid; 2 is round.
        lean: sideways asymmetry in mm.
        skull_mm: mean thickness of the vault.
        scalp_mm: mean thickness of the scalp.
        sinus_mm: how much smaller than average the frontal sinuses are.
        coarse, middle, fine: noise that shapes the head, 45, 18 and 8 mm wide.
        uneven: spread of the thickness of the vault.
        hyperostosis_mm: thickening of the frontal bone to the inside.
    """

    half_width_mm: float
    front_mm: float
    back_mm: float
    top_mm: float
    squareness: float
    lean: float
    skull_mm: float
    scalp_mm: float
    sinus_mm: float
    coarse: tuple[Noise, Noise, Noise]
    middle: Noise
    fine: Noise
    uneven: float = 0.06
    hyperostosis_mm: float = 0.0


def draw_head(rng: np.random.Generator) -> Head:
    """Draw a head's proportions."""
    size = rng.normal(1.0, 0.03)
    return Head(
        half_width_mm=float(size * rng.normal(67.0, 2.0)),
        front_mm=float(size * rng.normal(82.0, 2.5)),
        back_mm=float(size * rng.normal(88.0, 2.5)),
        top_mm=float(size * rng.normal(77.0, 2.0)),
        squareness=float(rng.uniform(2.05, 2.4)),
        lean=float(rng.normal(0.0, 1.5)),
        skull_mm=float(rng.uniform(4.5, 9.0)),
        scalp_mm=float(rng.uniform(3.0, 7.5)),
        sinus_mm=float(rng.uniform(-1.5, 4.0)),
        coarse=(Noise.draw(rng, 45.0, 16), Noise.draw(rng, 45.0, 16), Noise.draw(rng, 45.0, 16)),
        middle=Noise.draw(rng, 18.0),
        fine=Noise.draw(rng, 8.0, 32),
    )


def warp(head: Head, points: Points) -> Points:
    """Bend space a little, so that no head is symmetric."""
    x, y, z = (noise.at(points) * np.float32(1.8) for noise in head.coarse)
    return moved(points, Points(x + np.float32(head.lean) * bump(points.y - 20.0, 60.0), y, z))


def surfaces(head: Head, points: Points, hull: Field | None = None) -> dict[str, Field]:
    """Signed distances to the surfaces of the head.

    Args:
        head: its proportions.
        points: warped positions.
        hull: signed distance to the cavity of a template, which then replaces the analytic one.

    Returns:
        cavity: below 0 inside the inner table; skull: below 0 inside the outer table;
        skin: below 0 inside the skin; vault: below 0 inside the
        vault's inner table, as if there were no skull base; mould: share of base (1) rather than vault (0) in the
        bone here; rough: the noise of the bones.
    """
    rough = head.middle.at(points)
    vault = _vault(head, points)
    floor = _floor_height(points, rough)
    under = floor - points.z
    cavity = smooth_max(vault, under, 3.0)
    mould = step(under - vault, 4.0) * step(-points.z - 15.0, 4.0)
    if hull is not None:
        cavity, vault, mould = _around(hull, cavity, vault, points)
    vault_mm = _vault_mm(head, points, rough)
    thickness = (1.0 - mould) * vault_mm + mould * _base_mm(points, rough)
    skin = np.minimum(vault - vault_mm - _scalp_mm(head, points, rough), _face_skin(head, points, rough))
    skull = cavity - thickness
    if head.hyperostosis_mm:
        inward = _hyperostosis(head, points, rough)
        cavity, vault = cavity + inward, vault + inward
    return {
        "cavity": cavity,
        "skull": skull,
        "skin": skin,
        "vault": vault,
        "mould": mould,
        "rough": rough,
    }


def _hyperostosis(head: Head, points: Points, rough: Field) -> Field:
    """Knobby thickening of the frontal bone, sparing the midline, in mm."""
    x, y, z = folded(points)
    where = step(x - 5.0, 5.0) * step(y - 35.0, 25.0) * step(z + 5.0, 20.0) * step(60.0 - z, 20.0)
    return np.float32(head.hyperostosis_mm) * where * np.clip(0.7 + 0.4 * rough, 0.0, 1.5)


def _around(hull: Field, cavity: Field, vault: Field, points: Points) -> tuple[Field, Field, Field]:
    """Cavity, vault and mould for the hull of a template.

    A hull of brain has no clivus, cisterns and foramen magnum: near the middle of the base the
    analytic cavity is added. Where the hull leaves the vault, there is base.
    """
    middle = np.maximum(np.abs(points.x) - 17.0, np.maximum(points.y - 24.0, -points.y - 58.0))
    canal = np.maximum(cavity, np.maximum(middle, points.z + 12.0))
    joined = -smooth_max(-hull, -canal, 3.0)
    low = step(-points.z - 24.0, 12.0)
    shell = np.minimum(hull + low * (np.maximum(vault, -30.0) - hull), joined)
    return joined, shell, step(joined - shell - 3.0, 4.0) * step(-points.z - 15.0, 4.0)


def _vault(head: Head, points: Points) -> Field:
    x, y, z = points.x, points.y + np.float32(10.0), points.z
    width = head.half_width_mm * (1.0 - np.float32(0.0016) * np.clip(y - 10.0, 0.0, None))
    length = np.where(y > 0, np.float32(head.front_mm + 10.0), np.float32(head.back_mm - 10.0))
    height = np.where(z > 0, np.float32(head.top_mm), np.float32(100.0))
    power = np.float32(head.squareness)
    total = np.abs(x / width) ** power + np.abs(y / length) ** power + np.abs(z / height) ** power
    radius = np.maximum(total, np.float32(1e-6)) ** (1 / power)
    distance = np.sqrt(x * x + y * y + z * z) + np.float32(1e-3)
    return (radius - 1.0) * distance / radius * np.float32(0.94)


def petrous_ridge(x: Field) -> Field:
    """Where the petrous ridge runs: its y at |x|, in mm."""
    return np.float32(-4.0) - np.float32(0.6) * x


def sphenoid_ridge(x: Field) -> Field:
    """Where the sphenoid wing runs: its y at |x|, in mm."""
    return np.float32(36.0) - np.float32(12.0 / 22.0**2) * (x - 36.0) ** 2


def _floor_height(points: Points, rough: Field) -> Field:
    x, y, _ = folded(points)
    front_line, back_line = sphenoid_ridge(x) + 1.5 * rough, petrous_ridge(x) - 1.5 * rough
    front, back = step(y - front_line, 6.0), step(back_line - y, 8.0)
    middle = (1.0 - front) * (1.0 - back)
    centre = step(13.0 - x, 5.0)
    orbit_roof = 6.0 * bump(x - 30.0, 10.0) * bump(y - 52.0, 16.0) - 6.0 * bump(x, 7.0) * bump(y - 45.0, 18.0)
    floor = (
        front * (np.float32(-27.0) + orbit_roof)
        + middle * (np.float32(-47.0) + centre * 21.0)
        + back * np.float32(-70.0)
    )
    outer = step(x - 9.0, 4.0)
    petrous = -25.0 - 1.3 * np.abs(y - back_line) - 60.0 * (1.0 - outer)
    wing = -25.0 - 1.6 * np.abs(y - front_line) - 60.0 * (1.0 - outer)
    floor = np.maximum(np.maximum(floor, petrous), wing) + rough * 1.2
    hole = np.sqrt((x / 15.0) ** 2 + ((y + 40.0) / 18.0) ** 2)
    return floor - 80.0 * step(1.0 - hole, 0.15)


def _vault_mm(head: Head, points: Points, rough: Field) -> Field:
    x, y, z = folded(points)
    brow = 4.0 * bump(x, 30.0) * bump(y - 78.0, 22.0) * bump(z + 18.0, 18.0)
    inion = 5.0 * bump(x, 14.0) * bump(y + 88.0, 18.0) * bump(z + 15.0, 14.0)
    temple = 0.45 * step(x - 45.0, 12.0) * step(15.0 - z, 12.0) * step(y + 25.0, 12.0)
    vary = head.skull_mm * (1.0 - temple) * (1.0 + head.uneven * rough)
    return np.maximum(vary + brow + inion, 2.0)


def _base_mm(points: Points, rough: Field) -> Field:
    x, y, _ = folded(points)
    petrous = 20.0 * bump(y - petrous_ridge(x) - 1.0, 7.0) * step(x - 10.0, 4.0)
    mastoid = 16.0 * bump(x - 56.0, 10.0) * bump(y + 38.0, 13.0)
    clivus = 9.0 * bump(x, 12.0) * bump(y + 2.0, 16.0)
    return np.maximum(4.0 + 1.5 * rough + petrous + mastoid + clivus, 1.5)


def _scalp_mm(head: Head, points: Points, rough: Field) -> Field:
    x, y, z = folded(points)
    temporal = 7.0 * bump(x - 62.0, 25.0) * bump(y - 28.0, 22.0) * step(8.0 - z, 22.0)
    nape = 9.0 * step(-y - 40.0, 20.0) * step(-z - 22.0, 18.0)
    return np.maximum(head.scalp_mm * (1.0 + 0.12 * rough) + temporal + nape, 1.5)


def _face_skin(head: Head, points: Points, rough: Field) -> Field:
    face = ellipsoid(points, (0.0, 42.0, -70.0), (62.0, 58.0, 62.0))
    nose = ellipsoid(points, (0.0, 98.0, -68.0), (12.0, 20.0, 24.0))
    neck = np.sqrt((points.x / 62.0) ** 2 + ((points.y + 32.0) / 68.0) ** 2) - 1.0
    neck = np.maximum(neck * 64.0, points.z + 45.0)
    sides = folded(points)
    ear = np.maximum(
        ellipsoid(sides, (head.half_width_mm + 14.0, -20.0, -40.0), (11.0, 15.0, 28.0)),
        rough * 4.0 - 1.0,
    )
    return np.minimum(np.minimum(smooth_max(-face, -neck, 6.0) * -1.0, nose), ear)

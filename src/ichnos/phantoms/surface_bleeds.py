"""Blood around the brain, wide: features `thin-sdh`, `wide-edh` and `wide-sah`."""

from collections.abc import Callable

import numpy as np

from ichnos.phantoms.bleed import Bleed, Region, Wish, fresh_hu, log_uniform, random_side, wished_side
from ichnos.phantoms.fields import Field, Noise, Points, ellipsoid
from ichnos.phantoms.probe import Probe

Drawer = Callable[[np.random.Generator, Probe, float], Region]


def subdural(rng: np.random.Generator, probe: Probe, wish: Wish) -> tuple[Bleed, ...]:
    """Subdural layers from 2 to 25 mm; the wish may name one of `LAYERS`. One in five is on both sides."""
    kind = wish.place or str(rng.choice(list(LAYERS), p=(0.24, 0.46, 0.14, 0.10, 0.06)))
    side, hu = wished_side(rng, wish), (float(rng.uniform(45.0, 80.0)), float(rng.uniform(1.0, 8.0)))
    bleeds = [Bleed("subdural", LAYERS[kind](rng, probe, side), *hu, may_be_old=kind == "thick")]
    if rng.random() < 0.2:
        bleeds.append(Bleed("subdural", _thin(rng, probe, -side), *hu))
    if kind in {"thin", "thick"} and rng.random() < 0.3:
        bleeds.append(Bleed("subdural", _falx(rng, probe, side), *hu))
    return tuple(bleeds)


def _thin(rng: np.random.Generator, probe: Probe, side: float) -> Region:
    return _crescent(rng, probe, side, log_uniform(rng, 2.0, 6.0), (40.0, 120.0))


def _thick(rng: np.random.Generator, probe: Probe, side: float) -> Region:
    return _crescent(rng, probe, side, log_uniform(rng, 5.5, 25.0), (70.0, 130.0))


def _crescent(
    rng: np.random.Generator, probe: Probe, side: float, thick_mm: float, long_mm: tuple[float, float]
) -> Region:
    """A layer that hugs the vault, of even thickness in its middle and thin at its ends."""
    angle, height = np.radians(float(rng.uniform(-40.0, 55.0))), probe.clip_height(float(rng.uniform(-8.0, 45.0)))
    long, tall = float(rng.uniform(*long_mm)), float(rng.uniform(25.0, 75.0))
    flat, rough = float(rng.uniform(0.65, 1.0)), float(rng.uniform(0.05, 0.25))
    noise = Noise.draw(rng, 22.0, 16)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        turn = np.arctan2(points.y + 5.0, np.maximum(side * points.x, 1.0)) - np.float32(angle)
        far = (turn * np.float32(76.0 / long)) ** 2 + ((points.z - np.float32(height)) / tall) ** 2
        crescent = thick_mm * (1.15 - far) * (1.0 + rough * noise.at(points))
        crescent = np.clip(np.minimum(crescent, 1.6 * side * fields["midline"] - 1.5), -20.0, thick_mm * flat)
        return np.maximum(-fields["vault"] - crescent, 1.5 - side * fields["midline"])

    return region


def _falx(rng: np.random.Generator, probe: Probe, side: float) -> Region:
    """A sheet along the falx, thin at its ends, often nearly as long as the falx."""
    front = rng.random() < 0.4
    _, edge, height = probe.on_table(90.0 if front else -90.0, float(rng.uniform(8.0, 62.0)), 1.0)
    y = edge + float(rng.uniform(6.0, 30.0)) * (-1.0 if front else 1.0)
    long, tall, thick = float(rng.uniform(18.0, 75.0)), float(rng.uniform(12.0, 45.0)), log_uniform(rng, 1.5, 9.0)
    noise = Noise.draw(rng, 18.0, 16)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        far = ((points.y - np.float32(y)) / long) ** 2 + ((points.z - np.float32(height)) / tall) ** 2
        sheet, bulge = side * fields["midline"], thick * (1.0 - far) * (1.0 + 0.25 * noise.at(points))
        layer = np.maximum(sheet - np.clip(bulge, -20.0, None), -sheet - 0.3)
        return np.maximum(layer, -fields["falx_reach"])

    return region


def _tentorium(rng: np.random.Generator, probe: Probe, side: float) -> Region:
    """A sheet on the tentorium, which slices cut at a slant: a broad band that fades inwards."""
    y, long, thick = float(rng.uniform(-65.0, -30.0)), float(rng.uniform(18.0, 45.0)), log_uniform(rng, 2.0, 8.0)
    noise = Noise.draw(rng, 18.0, 16)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        far = ((points.y - np.float32(y)) / long) ** 2 + ((side * points.x - 28.0) / 30.0) ** 2
        sheet, bulge = fields["tentorium"], thick * (1.0 - far) * (1.0 + 0.25 * noise.at(points))
        layer = np.maximum(sheet - np.clip(bulge, -20.0, None), -sheet - 0.3)
        return np.maximum(layer, -0.5 - fields["tentorium_mm"] * 2.0)

    return region


def _behind(rng: np.random.Generator, probe: Probe, side: float) -> Region:
    """A layer along the bone under the tentorium."""
    thick, angle = log_uniform(rng, 2.0, 12.0), np.radians(float(rng.uniform(-88.0, -40.0)))
    long = float(rng.uniform(25.0, 60.0))

    def region(points: Points, fields: dict[str, Field]) -> Field:
        turn = np.arctan2(points.y + 5.0, np.maximum(side * points.x, 1.0)) - np.float32(angle)
        far = (turn * np.float32(76.0 / long)) ** 2 + ((points.z + 42.0) / 30.0) ** 2
        layer = -fields["vault"] - np.clip(thick * (1.1 - far), -20.0, thick * 0.85)
        return np.maximum(layer, fields["tentorium"] + 1.0)

    return region


LAYERS: dict[str, Drawer] = {
    "thin": _thin,
    "thick": _thick,
    "falx": _falx,
    "tentorium": _tentorium,
    "behind": _behind,
}
"""Where subdural blood lies; `behind` is the posterior fossa."""


def epidural(rng: np.random.Generator, probe: Probe, wish: Wish) -> tuple[Bleed, ...]:
    """Lenses from 1 to 150 mL; the wish may name one of `LENSES`. Those at the vertex cross the midline."""
    kind = wish.place or str(rng.choice(list(LENSES), p=(0.5, 0.2, 0.14, 0.1, 0.06)))
    (low, high), (bottom, top), largest_mm = LENSES[kind]
    side = wished_side(rng, wish)
    centre = probe.on_table(float(rng.uniform(low, high)), float(rng.uniform(bottom, top)), side)
    radius = log_uniform(rng, 8.0, largest_mm)
    thick = radius * float(rng.uniform(0.25, 0.62))
    stretch, noise = float(rng.uniform(0.7, 1.4)), Noise.draw(rng, 20.0, 16)
    inward, bound = probe.inward(centre), kind not in {"vertex", "behind"}

    def region(points: Points, fields: dict[str, Field]) -> Field:
        gaps = [p - np.float32(c) for p, c in zip(points, centre, strict=True)]
        deep = sum(g * np.float32(n) for g, n in zip(gaps, inward, strict=True))
        far = gaps[0] ** 2 + gaps[1] ** 2 + (gaps[2] * np.float32(stretch)) ** 2 - deep**2
        lens = thick * (1.0 - far / radius**2) + 0.08 * thick * noise.at(points)
        layer = np.maximum(-fields["vault"] - np.clip(lens, -20.0, None), deep - 1.5 * thick - 6.0)
        if not bound:
            return layer
        bone = np.sign(fields["seam"].flat[int(np.argmin(far + deep**2))])  # dura is fixed at the sutures
        return np.maximum(layer, 0.5 - bone * fields["seam"])

    return (Bleed("epidural", region, *fresh_hu(rng)),)


LENSES: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    "temporal": ((10.0, 60.0), (-22.0, 25.0), 46.0),
    "parietal": ((-55.0, 15.0), (15.0, 62.0), 46.0),
    "frontal": ((55.0, 88.0), (-12.0, 50.0), 40.0),
    "behind": ((-88.0, -55.0), (-58.0, -25.0), 28.0),
    "vertex": ((-40.0, 80.0), (60.0, 74.0), 38.0),
}
"""Epidural sites: angle to the front in degrees, height in mm, and largest radius in mm."""


def subarachnoid(rng: np.random.Generator, probe: Probe, wish: Wish) -> tuple[Bleed, ...]:
    """Blood in cisterns, fissures and sulci, thick to faint; the wish may name one of `SPREADS`."""
    kind = wish.place or str(rng.choice(list(SPREADS), p=(0.3, 0.18, 0.08, 0.3, 0.14)))
    hu, unrest = float(rng.uniform(44.0, 74.0)), float(rng.uniform(1.0, 6.0))
    region = SPREADS[kind](rng, probe, wished_side(rng, wish))
    widened, off = float(rng.uniform(0.3, 1.8)), float(rng.uniform(0.5, 2.0))
    return (Bleed("subarachnoid", region, hu, unrest, widened_mm=widened, off_mm=off),)


def _star(rng: np.random.Generator, probe: Probe, side: float) -> Region:
    """All basal cisterns and the fissures that open into them, more on one side."""
    centre = (float(rng.normal(6.0 * side, 8.0)), float(rng.normal(8.0, 6.0)), -14.0)
    reach = rng.uniform(30.0, 75.0) * np.array([1.0, 0.9, 0.65])
    return _patches(rng, [(centre, reach)], 6.0)


def _sylvian(rng: np.random.Generator, probe: Probe, side: float) -> Region:
    """One Sylvian fissure."""
    centre = (side * 44.0, float(rng.normal(8.0, 5.0)), float(rng.normal(0.0, 5.0)))
    return _patches(rng, [(centre, rng.uniform(14.0, 34.0) * np.array([0.9, 1.2, 0.9]))], 4.0)


def _around_stem(rng: np.random.Generator, probe: Probe, side: float) -> Region:
    """The cisterns in front of and around the brainstem alone."""
    centre = (0.0, float(rng.normal(-4.0, 4.0)), float(rng.normal(-20.0, 4.0)))
    return _patches(rng, [(centre, rng.uniform(14.0, 30.0) * np.array([1.0, 0.9, 0.8]))], 3.0)


def _sulcal(rng: np.random.Generator, probe: Probe, side: float) -> Region:
    """Streaks in sulci, in one to five places of the convexity, most on one side."""
    spots = []
    for _ in range(int(rng.integers(1, 6))):
        crossed = side if rng.random() < 0.75 else random_side(rng)
        centre = probe.on_table(float(rng.uniform(-75.0, 80.0)), float(rng.uniform(-8.0, 64.0)), crossed)
        spots.append((centre, log_uniform(rng, 7.0, 36.0) * np.exp(rng.normal(0.0, 0.2, 3))))
    return _patches(rng, spots, 3.5)


def _between(rng: np.random.Generator, probe: Probe, side: float) -> Region:
    """The fissure between the hemispheres, most often at the front."""
    front = rng.random() < 0.75
    _, edge, height = probe.on_table(90.0 if front else -90.0, float(rng.uniform(-5.0, 45.0)), 1.0)
    reach = np.array([float(rng.uniform(5.0, 14.0)), float(rng.uniform(18.0, 45.0)), float(rng.uniform(15.0, 35.0))])
    return _patches(rng, [((0.0, edge * 0.72, height), reach)], 3.0)


def _patches(
    rng: np.random.Generator, spots: list[tuple[tuple[float, float, float], np.ndarray]], rough: float
) -> Region:
    noise = Noise.draw(rng, 14.0, 16)
    shapes = [(centre, (float(a), float(b), float(c))) for centre, (a, b, c) in spots]

    def region(points: Points, fields: dict[str, Field]) -> Field:
        distance = ellipsoid(points, *shapes[0])
        for centre, axes in shapes[1:]:
            distance = np.minimum(distance, ellipsoid(points, centre, axes))
        return distance + rough * noise.at(points)

    return region


SPREADS: dict[str, Drawer] = {
    "star": _star,
    "sylvian": _sylvian,
    "around stem": _around_stem,
    "sulcal": _sulcal,
    "between": _between,
}
"""Where subarachnoid blood spreads."""

"""Blood in the brain and its ventricles in all sizes and shapes: features `any-size` and `cast-ventricles`."""

from collections.abc import Callable

import numpy as np

from ichnos.phantoms.bleed import Bleed, Region, Wish, fresh_hu, log_uniform, random_side, wished_side
from ichnos.phantoms.fields import Field, Noise, Points, ball, ellipsoid
from ichnos.phantoms.probe import Place, Probe

Focus = tuple[Place, tuple[float, float, float]]
"""Centre and half-lengths of one lobe, in mm."""

SITES: dict[str, tuple[Place, Place, float]] = {
    "putamen": ((28.0, 3.0, 3.0), (4.0, 8.0, 5.0), 100.0),
    "thalamus": ((14.0, -14.0, 6.0), (3.0, 4.0, 4.0), 40.0),
    "caudate": ((14.0, 16.0, 12.0), (3.0, 5.0, 5.0), 20.0),
    "lobar": ((40.0, 0.0, 28.0), (10.0, 40.0, 20.0), 150.0),
    "temporal": ((45.0, -5.0, -14.0), (7.0, 16.0, 8.0), 70.0),
    "frontobasal": ((12.0, 42.0, -5.0), (6.0, 10.0, 8.0), 70.0),
    "cerebellum": ((22.0, -55.0, -40.0), (8.0, 8.0, 8.0), 45.0),
    "pons": ((0.0, -17.0, -27.0), (4.0, 3.0, 5.0), 12.0),
}
"""Where blood is found in the brain: mean and spread of (|x|, y, z) in mm, and the largest bleed in mL."""

SITE_ODDS = (0.28, 0.13, 0.04, 0.33, 0.08, 0.04, 0.07, 0.03)
"""Share of each site, about as in series of spontaneous haemorrhage."""


BREAKS_IN_ML = 8.0
"""Size from which a bleed that reaches a ventricle is taken to fill it there too."""


def parenchymal(rng: np.random.Generator, probe: Probe, wish: Wish) -> tuple[Bleed, ...]:
    """Blood in the brain, 0.1 to 150 mL; the wish names a site of `SITES`, `contusions` or `petechiae`."""
    kind = rng.random()
    site = str(rng.choice(list(SITES), p=SITE_ODDS))
    place = wish.place or ("contusions" if kind < 0.18 else "petechiae" if kind < 0.23 else site)
    side = wished_side(rng, wish)
    if place in SCATTERED:
        return (SCATTERED[place](rng, probe, side),)
    several = place == "lobar" and not wish.side and rng.random() < 0.2
    count = int(rng.integers(2, 5)) if several else 1
    return tuple(_haematoma(rng, probe, place, side if count == 1 else random_side(rng)) for _ in range(count))


def _haematoma(rng: np.random.Generator, probe: Probe, place: str, side: float) -> Bleed:
    mean, spread, largest_ml = SITES[place]
    volume_ml = 0.1 * (largest_ml / 0.1) ** (float(rng.uniform()) ** 0.45)  # most are of several mL
    radius = (volume_ml * 1000.0 * 3.0 / (4.0 * np.pi)) ** (1 / 3)
    x, y, z = (float(v) for v in rng.normal(mean, spread))
    centre = probe.into_brain((side * x, y, z), 4.0 + 0.7 * radius)
    foci = _lobes(rng, centre, float(radius))
    rough, coarse = float(rng.uniform(0.08, 0.3)) * radius, Noise.draw(rng, max(8.0, 1.1 * radius), 16)
    frayed, fine = float(rng.uniform(0.0, 1.8)) * min(1.0, radius / 8.0), Noise.draw(rng, 7.0, 24)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        return nearest(points, foci) + rough * coarse.at(points) + frayed * fine.at(points)

    oedema_mm = float(rng.uniform(0.0, 0.4)) * radius
    return Bleed("intraparenchymal", region, *fresh_hu(rng), oedema_mm=oedema_mm, breaks_in=volume_ml > BREAKS_IN_ML)


def _lobes(rng: np.random.Generator, centre: Place, radius: float) -> tuple[Focus, ...]:
    """A main body, lobes that bud from it, and satellites beside it, of about the volume of a ball together."""
    lobes, satellites = int(rng.integers(0, 4)), int(rng.integers(0, 3)) * int(rng.random() < 0.3)
    shrunk = radius * (1.0 - 0.06 * lobes)
    foci = [(centre, _axes(rng, shrunk))]
    for index in range(lobes + satellites):
        is_lobe = index < lobes
        size = shrunk * float(rng.uniform(0.35, 0.7) if is_lobe else rng.uniform(0.12, 0.3))
        away = shrunk * float(rng.uniform(0.6, 1.0) if is_lobe else rng.uniform(1.25, 1.6))
        foci.append((_shifted(rng, centre, away), _axes(rng, size)))
    return tuple(foci)


def _axes(rng: np.random.Generator, radius: float) -> tuple[float, float, float]:
    shape = np.exp(rng.normal(0.0, 0.25, 3))
    x, y, z = radius * shape / shape.prod() ** (1 / 3)
    return max(float(x), 1.5), max(float(y), 1.5), max(float(z), 1.5)


def _shifted(rng: np.random.Generator, centre: Place, away_mm: float) -> Place:
    way = rng.normal(0.0, 1.0, 3)
    x, y, z = np.array(centre) + way * away_mm / (np.linalg.norm(way) + 1e-6)
    return float(x), float(y), float(z)


def nearest(points: Points, foci: tuple[Focus, ...]) -> Field:
    """Distance to the nearest of several foci; small ones as balls, which the lattice carries."""
    distance: Field | None = None
    for centre, axes in foci:
        is_small = max(axes) < 6.0
        one = ball(points, centre, float(np.mean(axes))) if is_small else ellipsoid(points, centre, axes)
        distance = one if distance is None else np.minimum(distance, one)
    assert distance is not None
    return distance


def _contusions(rng: np.random.Generator, probe: Probe, side: float) -> Bleed:
    """Bruises of the cortex where the brain strikes bone: under the forehead, at the temples, contrecoup."""
    count = int(rng.integers(2, 7))
    foci = []
    for _ in range(count):
        is_frontal = rng.random() < 0.5
        angle, height = (rng.uniform(58.0, 85.0), -8.0) if is_frontal else (rng.uniform(-10.0, 42.0), -14.0)
        crossed = side if rng.random() < 0.75 else -side
        table = probe.on_table(float(angle), float(rng.normal(height, 9.0)), crossed)
        radius = log_uniform(rng, 2.0, 13.0)
        deep = np.array(probe.inward(table)) * (radius * float(rng.uniform(0.5, 1.1)) + 2.0)
        x, y, z = np.array(table) + deep
        foci.append(((float(x), float(y), float(z)), _axes(rng, radius)))
    pepper, fine = float(rng.uniform(1.0, 3.5)), Noise.draw(rng, 7.5, 24)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        return nearest(points, tuple(foci)) + pepper * fine.at(points)

    hu, spread = float(rng.uniform(44.0, 68.0)), float(rng.uniform(3.0, 9.0))
    return Bleed("intraparenchymal", region, hu, spread, oedema_mm=float(rng.uniform(2.0, 9.0)), edge_mm=1.0)


def _petechiae(rng: np.random.Generator, probe: Probe, side: float) -> Bleed:
    """Specks where grey meets white matter, in the callosum and the brainstem, as after sheared axons."""
    foci = []
    for _ in range(int(rng.integers(2, 8))):
        deep = rng.random() < 0.3
        mean, spread = ((8.0, -12.0, 8.0), (7.0, 18.0, 14.0)) if deep else ((34.0, 8.0, 32.0), (10.0, 30.0, 16.0))
        x, y, z = (float(v) for v in rng.normal(mean, spread))
        radius = float(rng.uniform(1.5, 4.0))
        foci.append((probe.into_brain((random_side(rng) * x, y, z), 8.0), (radius, radius, radius)))

    def region(points: Points, fields: dict[str, Field]) -> Field:
        return nearest(points, tuple(foci))

    return Bleed("intraparenchymal", region, *fresh_hu(rng), oedema_mm=float(rng.uniform(0.0, 2.5)))


SCATTERED: dict[str, Callable[[np.random.Generator, Probe, float], Bleed]] = {
    "contusions": _contusions,
    "petechiae": _petechiae,
}
"""Bleeds of many foci."""


def ventricular(rng: np.random.Generator, probe: Probe, wish: Wish) -> tuple[Bleed, ...]:
    """Blood in the ventricles; the wish may name one of `FILLINGS`."""
    kind = wish.place or str(rng.choice(list(FILLINGS), p=FILLING_ODDS))
    dammed = float(rng.uniform(0.0, 1.0)) ** 1.5 * 5.5 * float(rng.random() < (0.25 if kind == "horns" else 0.6))
    region = FILLINGS[kind](rng, wished_side(rng, wish))
    return (Bleed("intraventricular", region, *fresh_hu(rng), dilates_mm=dammed),)


def _cast(rng: np.random.Generator, side: float) -> Region:
    """All ventricles, or all but some fluid at the front, where blood does not sink."""
    height, noise = float(rng.uniform(5.0, 70.0)), Noise.draw(rng, 14.0, 16)
    return lambda points, fields: points.y - np.float32(height) + 5.0 * noise.at(points)


def _one_side(rng: np.random.Generator, side: float) -> Region:
    """A clot in one lateral ventricle that may reach across."""
    across, noise = float(rng.uniform(-6.0, 6.0)), Noise.draw(rng, 12.0, 16)
    return lambda points, fields: np.float32(across) - side * points.x + 3.0 * noise.at(points)


def _middle(rng: np.random.Generator, side: float) -> Region:
    """The third and fourth ventricle, which are narrow and central."""
    width, noise = float(rng.uniform(4.0, 9.0)), Noise.draw(rng, 10.0, 16)
    return lambda points, fields: np.maximum(np.abs(points.x) - width, points.z - 6.0) + noise.at(points)


def _clot(rng: np.random.Generator, side: float) -> Region:
    """A clot around a place of entry."""
    x, y, z = (float(v) for v in rng.normal((13.0 * side, -5.0, 8.0), (8.0, 16.0, 10.0)))
    reach, noise = float(rng.uniform(12.0, 50.0)), Noise.draw(rng, 12.0, 16)
    return lambda points, fields: ellipsoid(points, (x, y, z), (reach, reach, reach)) + 2.5 * noise.at(points)


def _horns(rng: np.random.Generator, side: float) -> Region:
    """Blood that has sunk to the back of the occipital horns of a head that lies face up."""
    depth, slope = log_uniform(rng, 2.0, 22.0), float(rng.normal(0.0, 0.05))
    uneven = float(rng.normal(0.0, 3.0))

    def region(points: Points, fields: dict[str, Field]) -> Field:
        back = (fields["ventricles"] < 0.0) & (points.z > -18.0)
        lowest = float(points.y[back].min()) if back.any() else -66.0
        bottom = np.float32(lowest + depth) + uneven * np.sign(points.x) + slope * points.x
        return np.maximum(points.y - bottom, -18.0 - points.z)

    return region


FILLINGS: dict[str, Callable[[np.random.Generator, float], Region]] = {
    "cast": _cast,
    "one side": _one_side,
    "middle": _middle,
    "clot": _clot,
    "horns": _horns,
}
"""How blood fills ventricles."""

FILLING_ODDS = (0.24, 0.2, 0.1, 0.26, 0.2)
"""Share of each filling where no disease asks for one."""

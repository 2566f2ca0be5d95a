"""Look-alikes outside the brain: swollen scalps and filled sinuses, fractures, traces of surgery."""

import numpy as np

from ichnos.phantoms.fields import Field, Noise, Points, ball, capsule, ellipsoid, rod
from ichnos.phantoms.look_alike import LookAlike
from ichnos.phantoms.probe import Place, Probe
from ichnos.phantoms.structures import Region


def draw_scalp(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    """Haematomas of the scalp, blood in sinuses, mastoids and orbits, air and foreign bodies under the skin."""
    found: list[LookAlike] = []
    for _ in range(int(rng.integers(1, 3))):
        centre, radius = _spot(rng, probe), float(rng.uniform(14.0, 50.0))
        noise, hu = Noise.draw(rng, 12.0, 16), float(rng.uniform(40.0, 75.0))
        swell = float(rng.uniform(3.0, 16.0))
        found.append(LookAlike(rough_ball(centre, radius, noise), "scalp", hu, 5.0, swell_mm=swell, softness_mm=3.0))
        if rng.random() < 0.25:
            lump = outward(probe, centre, float(rng.uniform(8.0, 13.0)))
            hu = float(rng.choice((-900.0, 400.0, 2500.0)))
            found.append(LookAlike(lone_ball(lump, float(rng.uniform(0.8, 3.5))), "scalp", hu))
    hu = float(rng.uniform(15.0, 70.0))
    for place, reach in SPACES:
        if rng.random() < 0.3:
            found.append(LookAlike(lone_ball(place, reach), "air", hu, 6.0))
    if rng.random() < 0.2:
        side = 1.0 if rng.random() < 0.5 else -1.0
        orbit = (side * 32.0, 58.0, -46.0)
        found.append(
            LookAlike(lone_ball(orbit, float(rng.uniform(8.0, 20.0))), "outside", 50.0, 5.0, 0.7, swell_mm=4.0)
        )
    if rng.random() < 0.3:
        found.append(LookAlike(_tube((0.0, 8.0, -60.0), (0.0, 4.0, -130.0), 5.0), "outside", 250.0))
        found.append(LookAlike(_tube((0.0, 8.0, -60.0), (0.0, 4.0, -130.0), 3.8), "outside", -950.0))
    return tuple(found)


def draw_fractures(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    """Lines through vault and base, and pieces driven inwards."""
    found: list[LookAlike] = []
    for _ in range(int(rng.integers(1, 4))):
        centre, reach = _spot(rng, probe, lowest_mm=-45.0), float(rng.uniform(15.0, 60.0))
        normal = np.cross(np.array(probe.inward(centre)), rng.normal(0.0, 1.0, 3))
        normal = normal / (np.linalg.norm(normal) + 1e-6)
        line = _line(centre, normal, reach, float(rng.uniform(0.3, 1.4)), Noise.draw(rng, 14.0, 16))
        found.append(LookAlike(line, "bone", float(rng.uniform(-20.0, 70.0))))
    if rng.random() < 0.3:
        centre = _spot(rng, probe)
        piece = outward(probe, centre, -float(rng.uniform(1.0, 6.0)))
        found.append(LookAlike(lone_ball(centre, float(rng.uniform(5.0, 12.0))), "bone", 60.0, strength=0.8))
        found.append(LookAlike(_plate(probe, piece, float(rng.uniform(5.0, 12.0))), "cavity", 900.0, 80.0))
    if rng.random() < 0.25:
        for _ in range(int(rng.integers(1, 6))):
            bubble = outward(probe, _spot(rng, probe), -float(rng.uniform(1.0, 5.0)))
            found.append(LookAlike(lone_ball(bubble, float(rng.uniform(0.8, 3.0))), "cavity", -900.0))
    return tuple(found)


def draw_operated(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    """One operation on the skull, and what is left inside: air, drains, clips, patches, fluid."""
    kinds = (_burr_holes, _craniotomy, _craniectomy)
    centre, radius = _spot(rng, probe), float(rng.uniform(18.0, 48.0))
    found = [*kinds[int(rng.choice(3, p=(0.3, 0.4, 0.3)))](rng, probe, centre, radius)]
    for odds, leave in ((0.45, _collection), (0.4, _free_air), (0.45, _catheter), (0.3, _metal), (0.3, _patch)):
        if rng.random() < odds:
            found.extend(leave(rng, probe, centre, radius))
    return tuple(found)


def _burr_holes(rng: np.random.Generator, probe: Probe, centre: Place, radius: float) -> tuple[LookAlike, ...]:
    hu, hole = float(rng.uniform(0.0, 60.0)), float(rng.uniform(4.0, 8.0))
    other = _spot(rng, probe)
    holes = (centre, other) if rng.random() < 0.4 else (centre,)
    return tuple(LookAlike(lone_ball(place, hole), "bone", hu, swell_mm=2.0) for place in holes)


def _craniotomy(rng: np.random.Generator, probe: Probe, centre: Place, radius: float) -> tuple[LookAlike, ...]:
    half, gap_hu = float(rng.uniform(0.6, 2.0)), float(rng.uniform(-50.0, 60.0))

    def cut(points: Points, fields: dict[str, Field]) -> Field:
        sheet = ball(points, centre, radius)
        return np.minimum((sheet * sheet - half * half) * np.float32(0.5 / half), 50.0)

    swollen = LookAlike(lone_ball(centre, radius), "scalp", 45.0, 6.0, 0.6, 3.0, float(rng.uniform(2.0, 9.0)))
    plates = tuple(
        LookAlike(_plate(probe, outward(probe, _edge(rng, centre, radius, probe), 8.0), 4.0), "outside", 2800.0)
        for _ in range(int(rng.integers(0, 4)))
    )
    return (LookAlike(cut, "bone", gap_hu), swollen, *plates)


def _craniectomy(rng: np.random.Generator, probe: Probe, centre: Place, radius: float) -> tuple[LookAlike, ...]:
    hu, wide = float(rng.uniform(22.0, 42.0)), radius + 10.0
    bulge = float(rng.uniform(0.0, 14.0))
    return (LookAlike(lone_ball(centre, wide), "outside", hu, 5.0, 1.0, 1.5, bulge),)


def _collection(rng: np.random.Generator, probe: Probe, centre: Place, radius: float) -> tuple[LookAlike, ...]:
    thick, hu = float(rng.uniform(2.0, 14.0)), float(rng.uniform(2.0, 26.0))

    def layer(points: Points, fields: dict[str, Field]) -> Field:
        away = (ball(points, centre, 1.4 * radius) + 0.7 * radius) / (0.7 * radius)
        return np.asarray(-fields["vault"] - np.float32(thick) * np.clip(1.0 - away, -1.0, 1.0))

    return (LookAlike(layer, "cavity", hu, 2.0, softness_mm=1.5),)


def _free_air(rng: np.random.Generator, probe: Probe, centre: Place, radius: float) -> tuple[LookAlike, ...]:
    places = [outward(probe, probe.on_table(float(rng.uniform(60, 90)), 30.0, 1.0), -3.0)]
    places += [outward(probe, _edge(rng, centre, radius, probe), -3.0) for _ in range(int(rng.integers(0, 5)))]
    radii = (float(rng.uniform(2.0, 14.0)), *(float(v) for v in rng.uniform(0.8, 3.5, len(places) - 1)))
    return tuple(LookAlike(lone_ball(p, r), "cavity", -930.0) for p, r in zip(places, radii, strict=True))


def _catheter(rng: np.random.Generator, probe: Probe, centre: Place, radius: float) -> tuple[LookAlike, ...]:
    tip = (float(rng.normal(0.0, 10.0)), float(rng.uniform(-15.0, 22.0)), float(rng.uniform(0.0, 20.0)))
    out = outward(probe, centre, 12.0)
    hu, thin = float(rng.choice((130.0, 400.0, 1200.0))), float(rng.uniform(0.9, 1.8))
    return (LookAlike(_tube(tip, out, thin), "head", hu), LookAlike(lone_ball(centre, 4.0), "bone", 50.0))


def _metal(rng: np.random.Generator, probe: Probe, centre: Place, radius: float) -> tuple[LookAlike, ...]:
    place = ((0.0, 14.0, -16.0), (26.0, 18.0, -14.0), (-26.0, 18.0, -14.0), (0.0, -4.0, -24.0))[int(rng.integers(4))]
    size, found = float(rng.uniform(1.5, 6.0)), []
    for angle in rng.uniform(0.0, 2.0 * np.pi, int(rng.integers(5, 12))):
        reach = float(rng.uniform(15.0, 60.0))
        end = (place[0] + reach * float(np.cos(angle)), place[1] + reach * float(np.sin(angle)), place[2])
        hu, share = float(rng.choice((-150.0, 180.0))), float(rng.uniform(0.1, 0.5))
        found.append(LookAlike(_tube(place, end, float(rng.uniform(1.0, 3.0))), "head", hu, strength=share))
    return (*found, LookAlike(lone_ball(place, size), "head", 3071.0))


def _patch(rng: np.random.Generator, probe: Probe, centre: Place, radius: float) -> tuple[LookAlike, ...]:
    half, hu = float(rng.uniform(0.6, 2.0)), float(rng.uniform(70.0, 180.0))

    def sheet(points: Points, fields: dict[str, Field]) -> Field:
        layer = np.abs(fields["vault"] - half) - half
        return np.maximum(layer, ball(points, centre, 0.9 * radius))

    return (LookAlike(sheet, "outside", hu, 15.0),)


SPACES: tuple[tuple[Place, float], ...] = (
    ((30.0, 46.0, -84.0), 22.0),
    ((-30.0, 46.0, -84.0), 22.0),
    ((0.0, 16.0, -46.0), 15.0),
    ((0.0, 82.0, -20.0), 24.0),
    ((0.0, 50.0, -58.0), 18.0),
    ((57.0, -36.0, -50.0), 20.0),
    ((-57.0, -36.0, -50.0), 20.0),
)
"""Centre and reach in mm: maxillary, sphenoid, frontal sinuses, ethmoid cells, mastoids."""


def lone_ball(centre: Place, radius: float) -> Region:
    """A ball."""
    return lambda points, fields: ball(points, centre, radius)


def rough_ball(centre: Place, radius: float, noise: Noise) -> Region:
    """A ball with an uneven edge."""
    return lambda points, fields: ball(points, centre, radius) + np.float32(0.15 * radius) * noise.at(points)


def outward(probe: Probe, place: Place, by_mm: float) -> Place:
    """A place moved out of the head, or into it where `by_mm` is negative."""
    x, y, z = np.array(place) - by_mm * np.array(probe.inward(place))
    return float(x), float(y), float(z)


def _spot(rng: np.random.Generator, probe: Probe, lowest_mm: float = -15.0) -> Place:
    side = 1.0 if rng.random() < 0.5 else -1.0
    return probe.on_table(float(rng.uniform(-85.0, 85.0)), float(rng.uniform(lowest_mm, 60.0)), side)


def _edge(rng: np.random.Generator, centre: Place, radius: float, probe: Probe) -> Place:
    turn = float(np.degrees(np.arctan2(centre[1] + 5.0, abs(centre[0]) + 1e-6)) + rng.uniform(-0.6, 0.6) * radius)
    return probe.on_table(turn, centre[2] + float(rng.uniform(-0.7, 0.7)) * radius, float(np.sign(centre[0]) or 1.0))


def _tube(start: Place, end: Place, radius: float) -> Region:
    """A straight tube as a quadratic, which coarse lattices carry without loss."""

    def tube(points: Points, fields: dict[str, Field]) -> Field:
        away = rod(points, ((*start, 0.0), (*end, 0.0)))
        return np.minimum((away * away - np.float32(radius**2)) * np.float32(0.5 / radius), 50.0)

    return tube


def _plate(probe: Probe, centre: Place, reach: float) -> Region:
    """A piece 3 mm thick that lies along the inner table."""
    inward = probe.inward(centre)
    start, end = (
        (centre[0] + s * reach * inward[1], centre[1] - s * reach * inward[0], centre[2]) for s in (-1.0, 1.0)
    )
    return lambda points, fields: np.maximum(
        capsule(points, start, end, (1.6, 1.6)), ellipsoid(points, centre, (2 * reach, 2 * reach, reach))
    )


def _line(centre: Place, normal: np.ndarray, reach: float, half_mm: float, noise: Noise) -> Region:
    """A crack through the bone, wavy, 2 `half_mm` wide."""

    def line(points: Points, fields: dict[str, Field]) -> Field:
        sheet = 1.5 * noise.at(points)
        for place, c, n in zip(points, centre, normal, strict=True):
            sheet = sheet + (place - np.float32(c)) * np.float32(n)
        crack = np.minimum((sheet * sheet - half_mm**2) * np.float32(0.5 / half_mm), 50.0)
        return np.maximum(crack, ball(points, centre, reach)).astype(np.float32)

    return line

"""The five subtypes of intracranial hemorrhage: where they sit, their shape, their density.

A bleed is a region given on the lattice (below 0 inside), cut at full resolution by the space
that its subtype can fill: under the inner table, in the ventricles, in sulci and cisterns, or in
the brain. Sizes run from about 0.3 to 100 mL; densities from 45 to 85 HU (typical of fresh blood).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ichnos.phantoms.ageing import age_bleeds
from ichnos.phantoms.bleed import Bleed, Region, Wish, fresh_hu, random_side
from ichnos.phantoms.deep_bleeds import parenchymal, ventricular
from ichnos.phantoms.features import Features
from ichnos.phantoms.fields import Field, Noise, Points, ellipsoid
from ichnos.phantoms.probe import Probe
from ichnos.phantoms.settings import SUBTYPES, PhantomSettings
from ichnos.phantoms.surface_bleeds import epidural, subarachnoid, subdural
from ichnos.phantoms.together import draw_wishes


def draw_bleeds(
    choice: np.random.Generator,
    rng: np.random.Generator,
    probe: Probe,
    settings: PhantomSettings,
    features: Features,
) -> tuple[Bleed, ...]:
    """Draw which subtypes bleed (from `choice`), then each bleed (from `rng`).

    Every subtype has its own stream, so that one bleed does not change with the others. A feature
    of `WIDER` draws its subtype from the feature's own stream instead.
    """
    bleeds = choice.random() < settings.bleed_probability
    count = 1 + int(choice.random() < 0.3) + int(choice.random() < 0.12)
    order = [str(name) for name in choice.permutation(np.array(settings.subtypes))]
    streams = dict(zip(SUBTYPES, rng.spawn(len(SUBTYPES)), strict=True))
    if not bleeds:
        return ()
    wishes = tuple(Wish(subtype) for subtype in order[:count])
    if "together" in features:
        wishes = draw_wishes(features.stream("together"), settings.subtypes) or wishes
    found: list[Bleed] = []
    for wish in sorted(wishes, key=lambda wish: PRIORITY.index(wish.subtype)):
        feature, drawer = WIDER[wish.subtype]
        if feature in features:
            drawn = drawer(features.stream(feature), probe, wish)
            found += [replace(bleed, labelled_share=SEEN_SHARE) for bleed in drawn]
        else:
            found += DRAWERS[wish.subtype](streams[wish.subtype], probe)
    return age_bleeds(tuple(found), features)


def _epidural(rng: np.random.Generator, probe: Probe) -> tuple[Bleed, ...]:
    temporal = rng.random() < 0.6
    angle = rng.normal(35.0, 20.0) if temporal else rng.uniform(-80.0, 85.0)
    height = rng.uniform(-25.0, 25.0) if temporal else rng.uniform(-10.0, 55.0)
    centre = probe.on_table(float(angle), float(height), random_side(rng))
    radius = float(np.exp(rng.uniform(np.log(14.0), np.log(46.0))))
    thick = radius * float(rng.uniform(0.32, 0.65))
    stretch, noise = float(rng.uniform(0.75, 1.3)), Noise.draw(rng, 20.0, 16)
    inward = probe.inward(centre)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        gaps = [p - np.float32(c) for p, c in zip(points, centre, strict=True)]
        deep = sum(g * np.float32(n) for g, n in zip(gaps, inward, strict=True))
        far = gaps[0] ** 2 + gaps[1] ** 2 + (gaps[2] * np.float32(stretch)) ** 2 - deep**2
        bone = np.sign(fields["seam"].flat[int(np.argmin(far + deep**2))])  # dura is fixed at the sutures
        lens = thick * (1.0 - far / radius**2) + 0.5 * noise.at(points)
        layer = np.maximum(-fields["vault"] - np.clip(lens, -20.0, None), deep - 1.5 * thick - 6.0)
        return np.maximum(layer, 0.5 - bone * fields["seam"])

    return (Bleed("epidural", region, *fresh_hu(rng)),)


def _subdural(rng: np.random.Generator, probe: Probe) -> tuple[Bleed, ...]:
    hu, unrest = float(rng.uniform(45.0, 80.0)), float(rng.uniform(1.0, 8.0))
    kind = str(rng.choice(["convexity", "falx", "tentorium"], p=[0.72, 0.18, 0.10]))
    if kind == "tentorium" and not probe.sees(-15.0):
        kind = "convexity"
    return (Bleed("subdural", SUBDURALS[kind](rng, probe), hu, unrest, may_be_old=kind == "convexity"),)


def _convexity(rng: np.random.Generator, probe: Probe) -> Region:
    side, angle = random_side(rng), np.radians(float(rng.uniform(-45.0, 60.0)))
    height = probe.clip_height(float(rng.uniform(0.0, 45.0)))
    long_mm, tall_mm = float(rng.uniform(35.0, 105.0)), float(rng.uniform(20.0, 60.0))
    thick = float(np.exp(rng.uniform(np.log(4.0), np.log(18.0))))
    noise = Noise.draw(rng, 25.0, 16)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        turn = np.arctan2(points.y + 5.0, np.maximum(side * points.x, 1.0)) - np.float32(angle)
        far = (turn * np.float32(76.0 / long_mm)) ** 2 + ((points.z - np.float32(height)) / tall_mm) ** 2
        crescent = thick * (1.15 - far) * (1.0 + 0.2 * noise.at(points))
        crescent = np.clip(crescent, -20.0, thick * 0.9)
        return np.maximum(-fields["vault"] - crescent, 1.5 - side * fields["midline"])

    return region


def _falx(rng: np.random.Generator, probe: Probe) -> Region:
    side, front = random_side(rng), rng.random() < 0.4
    _, edge, height = probe.on_table(90.0 if front else -90.0, float(rng.uniform(12.0, 58.0)), 1.0)
    y = edge + float(rng.uniform(6.0, 20.0)) * (-1.0 if front else 1.0)
    long_mm, tall_mm, thick = (float(rng.uniform(*span)) for span in ((20.0, 60.0), (15.0, 35.0), (3.0, 8.0)))

    def region(points: Points, fields: dict[str, Field]) -> Field:
        far = ((points.y - np.float32(y)) / long_mm) ** 2 + ((points.z - np.float32(height)) / tall_mm) ** 2
        sheet = side * fields["midline"]
        layer = np.maximum(sheet - np.clip(thick * (1.0 - far), -20.0, None), -sheet - 0.3)
        return np.maximum(layer, -fields["falx_reach"])

    return region


def _tentorium(rng: np.random.Generator, probe: Probe) -> Region:
    side, y = random_side(rng), float(rng.uniform(-60.0, -35.0))
    long_mm, thick = float(rng.uniform(20.0, 40.0)), float(rng.uniform(3.0, 7.0))

    def region(points: Points, fields: dict[str, Field]) -> Field:
        far = ((points.y - np.float32(y)) / long_mm) ** 2 + ((side * points.x - 30.0) / 28.0) ** 2
        sheet = fields["tentorium"]
        layer = np.maximum(sheet - np.clip(thick * (1.0 - far), -20.0, None), -sheet - 0.3)
        return np.maximum(layer, -0.5 - fields["tentorium_mm"] * 2.0)

    return region


def _intraparenchymal(rng: np.random.Generator, probe: Probe) -> tuple[Bleed, ...]:
    place = str(rng.choice(list(PLACES), p=[0.38, 0.17, 0.33, 0.08, 0.04]))
    count = 1 + int(place == "lobar") * int(rng.integers(0, 3)) * int(rng.random() < 0.4)
    return tuple(_haematoma(rng, probe, place) for _ in range(count))


def _haematoma(rng: np.random.Generator, probe: Probe, place: str) -> Bleed:
    largest_ml = {"pons": 6.0, "cerebellum": 30.0, "thalamus": 25.0}.get(place, 80.0)
    volume_ml = float(np.exp(np.log(0.3) + np.log(largest_ml / 0.3) * rng.uniform() ** 0.7))
    radius = float((volume_ml * 1000.0 * 3.0 / (4.0 * np.pi)) ** (1 / 3))
    mean, spread = PLACES[place]
    x, y, z = (float(v) for v in rng.normal(mean, spread))
    centre = probe.into_brain((random_side(rng) * x, y, z), 6.0 + 0.6 * radius)
    shape = np.exp(rng.normal(0.0, 0.2, 3))
    axes = tuple(float(v) for v in radius * shape / shape.prod() ** (1 / 3))
    rough, noise = float(rng.uniform(0.1, 0.35)) * radius, Noise.draw(rng, max(6.0, 1.1 * radius), 16)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        return ellipsoid(points, centre, (axes[0], axes[1], axes[2])) + rough * noise.at(points)

    return Bleed("intraparenchymal", region, *fresh_hu(rng), oedema_mm=float(rng.uniform(0.0, 0.4)) * radius)


def _intraventricular(rng: np.random.Generator, probe: Probe) -> tuple[Bleed, ...]:
    cast = rng.random() < 0.4
    side = random_side(rng) if rng.random() < 0.45 else 0.0
    level, slope = float(rng.uniform(-52.0, -10.0)), float(rng.normal(0.0, 0.12))
    centre = (10.0 * side, float(rng.uniform(-30.0, 15.0)), float(rng.uniform(-15.0, 15.0)))
    reach, noise = float(rng.uniform(20.0, 75.0)), Noise.draw(rng, 12.0, 16)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        if cast:
            filled = ellipsoid(points, centre, (reach, reach, reach))
        else:
            filled = points.y - np.float32(level) + slope * points.z
        other = 3.0 - side * points.x if side else np.full_like(points.x, -50.0)
        return np.maximum(filled + 1.2 * noise.at(points), other)

    return (Bleed("intraventricular", region, *fresh_hu(rng)),)


def _subarachnoid(rng: np.random.Generator, probe: Probe) -> tuple[Bleed, ...]:
    hu, unrest = float(rng.uniform(46.0, 72.0)), float(rng.uniform(1.0, 5.0))
    if rng.random() < 0.5 and probe.sees(-10.0):
        centre = (float(rng.normal(0.0, 14.0)), float(rng.normal(10.0, 6.0)), -14.0)
        axes = tuple(float(v) for v in rng.uniform(22.0, 62.0) * np.array([1.0, 0.8, 0.6]))
    else:
        centre = probe.on_table(float(rng.uniform(-70.0, 80.0)), float(rng.uniform(-5.0, 62.0)), random_side(rng))
        axes = tuple(float(v) for v in rng.uniform(14.0, 45.0) * np.exp(rng.normal(0.0, 0.2, 3)))
    noise = Noise.draw(rng, 14.0, 16)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        return ellipsoid(points, centre, (axes[0], axes[1], axes[2])) + 5.0 * noise.at(points)

    return (Bleed("subarachnoid", region, hu, unrest),)


PLACES = {
    "basal ganglia": ((27.0, 2.0, 3.0), (3.0, 7.0, 5.0)),
    "thalamus": ((13.0, -14.0, 5.0), (2.0, 4.0, 3.0)),
    "lobar": ((38.0, 0.0, 28.0), (9.0, 38.0, 16.0)),
    "cerebellum": ((22.0, -55.0, -40.0), (7.0, 7.0, 7.0)),
    "pons": ((0.0, -17.0, -27.0), (2.0, 2.0, 4.0)),
}
"""Where parenchymal blood is found: mean and spread of (|x|, y, z) in mm."""

SUBDURALS = {"convexity": _convexity, "falx": _falx, "tentorium": _tentorium}
"""Where a subdural bleed lies."""

SEEN_SHARE = 0.4
"""Share of blood from which a reader outlines a voxel: a layer in one of two planes of a slice is seen."""

DRAWERS = {
    "epidural": _epidural,
    "intraparenchymal": _intraparenchymal,
    "intraventricular": _intraventricular,
    "subarachnoid": _subarachnoid,
    "subdural": _subdural,
}
"""Subtype to the function that draws it."""

WIDER: dict[str, tuple[str, Callable[[np.random.Generator, Probe, Wish], tuple[Bleed, ...]]]] = {
    "epidural": ("wide-edh", epidural),
    "intraparenchymal": ("any-size", parenchymal),
    "intraventricular": ("cast-ventricles", ventricular),
    "subarachnoid": ("wide-sah", subarachnoid),
    "subdural": ("thin-sdh", subdural),
}
"""Subtype to the feature that widens it, and to the function that draws it then."""

PRIORITY = ("epidural", "subdural", "intraparenchymal", "intraventricular", "subarachnoid")
"""Where bleeds meet, the earlier one keeps the voxel."""

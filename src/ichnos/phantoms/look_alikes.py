"""What readers take for blood, or what goes with it, and is none: in bleeding and bleed-free heads alike.

Each belongs to a feature and is painted under the bleeds, so that it never covers one. Nothing of it is
labelled. Sizes, places and densities are typical ones, drawn wide.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ichnos.phantoms.features import Features
from ichnos.phantoms.fields import Field, Noise, Points, ball, capsule, ellipsoid, folded, rod
from ichnos.phantoms.probe import Place, Probe
from ichnos.phantoms.tissue import Image, Plane, mix

Region = Callable[[Points, dict[str, Field]], Field]
"""From positions and the other fields to a distance, below 0 inside."""


@dataclass(frozen=True)
class LookAlike:
    """One of them.

    Attributes:
        region: where it is.
        hu: its density.
        within: the space that cuts it: the cavity, what lies outside the skull, or bone.
        unrest_hu: standard deviation of its density.
        softness_mm: width of its edge, at least a pixel.
        share: how much of the tissue it replaces.
    """

    region: Region
    hu: float
    within: Literal["cavity", "outside", "bone"] = "cavity"
    unrest_hu: float = 2.0
    softness_mm: float = 1.0
    share: float = 1.0


def draw_look_alikes(features: Features, probe: Probe) -> tuple[LookAlike, ...]:
    """Draw those of the features that a head has, in the order in which they are painted."""
    drawn = (draw(features.stream(name), probe) for name, draw in DRAWERS.items() if name in features)
    return tuple(one for found in drawn for one in found)


def look_alike_fields(look_alikes: tuple[LookAlike, ...], points: Points, fields: dict[str, Field]) -> dict[str, Field]:
    """Distance to each as `alike-0`, `alike-1`, ..."""
    return {f"alike-{i}": one.region(points, fields).astype(np.float32) for i, one in enumerate(look_alikes)}


def paint_look_alikes(image: Image, plane: Plane, look_alikes: tuple[LookAlike, ...]) -> Image:
    """Put those that a plane meets into its image."""
    for index, one in enumerate(look_alikes):
        name = f"alike-{index}"
        if plane.meets(name):
            share = one.share * plane.inside(plane[name] / one.softness_mm) * _space(plane, one.within)
            image = mix(image, one.hu + one.unrest_hu * plane.grain, share)
    return image


def _space(plane: Plane, within: str) -> Image:
    if within == "cavity":
        return plane.inner()
    outside = plane.inside(-plane["cavity"])
    return outside * plane.inside(plane["skull"] if within == "bone" else -plane["skull"])


def _scalp_haematoma(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    return tuple(
        LookAlike(_swelling(rng, probe), float(rng.uniform(40.0, 78.0)), "outside", 6.0, float(rng.uniform(1.0, 4.0)))
        for _ in range(1 + int(rng.random() < 0.3))
    )


def _swelling(rng: np.random.Generator, probe: Probe) -> Region:
    """A lens on the outer table; it lifts the skin."""
    centre = probe.on_table(float(rng.uniform(-80.0, 85.0)), float(rng.uniform(-15.0, 60.0)), _side(rng))
    radius, thick = float(rng.uniform(18.0, 50.0)), float(rng.uniform(4.0, 18.0))
    noise = Noise.draw(rng, 16.0, 16)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        far = sum((p - np.float32(c)) ** 2 for p, c in zip(points, centre, strict=True))
        return fields["skull"] - thick * (1.0 - far / radius**2) * (1.0 + 0.25 * noise.at(points))

    return region


def _filled_air(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    """Fluid or blood in sinuses, nose and mastoids, up to a level or all of it."""
    side, level = float(rng.choice((-1.0, 0.0, 1.0))), float(rng.uniform(10.0, 90.0))
    whole = rng.random() < 0.5

    def region(points: Points, fields: dict[str, Field]) -> Field:
        half = 3.0 - side * points.x if side else np.full_like(points.x, -50.0)
        return np.maximum(fields["air"], half if whole else np.maximum(half, points.y - np.float32(level)))

    def cells(points: Points, fields: dict[str, Field]) -> Field:
        return np.maximum(-40.0 * fields["cells"], 3.0 - side * points.x if side else -np.abs(points.x))

    hu = float(rng.uniform(15.0, 68.0))
    return (LookAlike(region, hu, "outside"), LookAlike(region, hu, "bone"), LookAlike(cells, hu, "bone", 40.0, 3.0))


def _calcified(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    """Plexus, pineal, basal ganglia, cerebellar nuclei, vessel walls, old lesions: faint to dense."""
    found = [place(rng, probe) for place, odds in CALCIFIED if rng.random() < odds]
    faint = rng.random(len(found)) < 0.35
    return tuple(
        LookAlike(region, float(rng.uniform(55.0, 100.0) if pale else np.exp(rng.uniform(4.6, 6.7))), softness_mm=soft)
        for region, pale, soft in zip(found, faint, rng.uniform(1.0, 2.5, len(found)), strict=True)
    )


def _plexus(rng: np.random.Generator, probe: Probe) -> Region:
    radius, noise = float(rng.uniform(1.0, 4.0)), Noise.draw(rng, 5.0, 32)
    return lambda points, fields: (
        rod(folded(points), ((20.0, -30.0, 15.0, radius), (25.0, -42.0, 8.0, 0.8 * radius))) + noise.at(points)
    )


def _nuclei(rng: np.random.Generator, probe: Probe) -> Region:
    deep = rng.random() < 0.75
    centre = (20.0, float(rng.normal(6.0, 3.0)), float(rng.normal(1.0, 3.0))) if deep else (15.0, -52.0, -38.0)
    axes, noise = tuple(float(v) for v in rng.uniform(2.0, 8.0, 3)), Noise.draw(rng, 6.0, 32)
    return lambda points, fields: ellipsoid(folded(points), centre, (axes[0], axes[1], axes[2])) + noise.at(points)


def _pineal(rng: np.random.Generator, probe: Probe) -> Region:
    radius = float(rng.uniform(1.5, 5.0))
    return lambda points, fields: ball(points, (0.0, -32.0, 2.0), radius)


def _lesion(rng: np.random.Generator, probe: Probe) -> Region:
    centre, radius = _in_brain(rng, probe, 4.0), float(rng.uniform(1.0, 5.0))
    return lambda points, fields: ball(points, centre, radius)


def _vessel_wall(rng: np.random.Generator, probe: Probe) -> Region:
    side, radius = _side(rng), float(rng.uniform(1.2, 2.8))
    ends = ((side * 11.0, 14.0, -24.0), (side * 9.0, 10.0, -18.0)) if rng.random() < 0.6 else VERTEBRAL
    return lambda points, fields: capsule(points, ends[0], ends[1], (radius, radius))


def _tumour(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    """A mass as dense as cortex or denser, on the dura or within the brain, with dark oedema around."""
    radius, noise = float(rng.uniform(6.0, 24.0)), Noise.draw(rng, 14.0, 16)
    on_dura = rng.random() < 0.5
    angle, height = float(rng.uniform(-85.0, 85.0)), float(rng.uniform(-10.0, 60.0))
    centre = probe.on_table(angle, height, _side(rng)) if on_dura else _in_brain(rng, probe, radius)
    oedema_mm = float(rng.uniform(0.0, 18.0))

    def mass(points: Points, fields: dict[str, Field]) -> Field:
        return ellipsoid(points, centre, (radius, radius, 0.9 * radius)) + 0.15 * radius * noise.at(points)

    def halo(points: Points, fields: dict[str, Field]) -> Field:
        return mass(points, fields) - oedema_mm * (1.0 + 0.5 * noise.at(points))

    tumour = LookAlike(mass, float(rng.uniform(32.0, 52.0)), "cavity", float(rng.uniform(1.0, 5.0)), 2.0)
    core = LookAlike(lambda p, f: mass(p, f) + 0.45 * radius, float(rng.uniform(8.0, 30.0)), "cavity", 2.0, 2.0)
    hollow = (core,) if rng.random() < 0.3 else ()
    return (LookAlike(halo, float(rng.uniform(12.0, 20.0)), "cavity", 2.0, 3.0, 0.75), tumour, *hollow)


def _infarct(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    """A territory without the difference of grey and white: subtle when fresh, as dark as fluid when old."""
    fresh = rng.random() < 0.6
    centre = probe.on_table(float(rng.uniform(-70.0, 60.0)), float(rng.uniform(-10.0, 50.0)), _side(rng))
    axes, noise = tuple(float(v) for v in rng.uniform(14.0, 50.0, 3)), Noise.draw(rng, 18.0, 16)
    hu, share = (float(rng.uniform(17.0, 26.0)), 0.85) if fresh else (float(rng.uniform(4.0, 14.0)), 1.0)

    def region(points: Points, fields: dict[str, Field]) -> Field:
        return ellipsoid(points, centre, (axes[0], axes[1], axes[2])) + 4.0 * noise.at(points)

    return (LookAlike(region, hu, "cavity", 1.5, 3.0, share),)


def _operated(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    """A piece of skull that is out, cut around or bored; air, drains, clips and dense material."""
    centre = probe.on_table(float(rng.uniform(-40.0, 75.0)), float(rng.uniform(0.0, 55.0)), _side(rng))
    radius, gap_mm = float(rng.choice((rng.uniform(4.0, 8.0), rng.uniform(22.0, 50.0)))), float(rng.uniform(0.8, 2.5))
    is_out = radius < 10.0 or rng.random() < 0.4

    def hole(points: Points, fields: dict[str, Field]) -> Field:
        away = np.sqrt(sum((p - np.float32(c)) ** 2 for p, c in zip(points, centre, strict=True)))
        return away - radius if is_out else np.abs(away - radius) - gap_mm

    opened = LookAlike(hole, float(rng.uniform(15.0, 55.0)), "bone", 6.0, 1.0)
    left = [thing(rng, probe, centre) for thing, odds in LEFT_BEHIND if rng.random() < odds]
    return (opened, *left)


def _air(rng: np.random.Generator, probe: Probe, opening: Place) -> LookAlike:
    """It rises to the front of a head that lies on its back."""
    thick, noise = float(rng.uniform(2.0, 14.0)), Noise.draw(rng, 12.0, 16)
    height = probe.clip_height(float(rng.uniform(0.0, 50.0)))

    def region(points: Points, fields: dict[str, Field]) -> Field:
        far = (
            (points.x / 40.0) ** 2 + ((points.z - height) / 30.0) ** 2 + (np.minimum(points.y - 60.0, 0.0) / 15.0) ** 2
        )
        return -fields["cavity"] - thick * (1.0 - far) * (1.0 + 0.5 * noise.at(points))

    return LookAlike(region, -950.0, unrest_hu=0.0)


def _drain(rng: np.random.Generator, probe: Probe, opening: Place) -> LookAlike:
    tip = (float(rng.normal(0.0, 8.0)), float(rng.normal(10.0, 6.0)), float(rng.normal(5.0, 4.0)))
    radius = float(rng.uniform(0.9, 1.6))
    return LookAlike(
        lambda points, fields: capsule(points, opening, tip, (radius, radius)), float(rng.uniform(110.0, 500.0))
    )


def _clip(rng: np.random.Generator, probe: Probe, opening: Place) -> LookAlike:
    places = ((0.0, 16.0, -16.0), (12.0, 12.0, -18.0), (-12.0, 12.0, -18.0), (30.0, 14.0, -12.0))
    centre, radius = places[int(rng.integers(len(places)))], float(rng.uniform(1.5, 5.0))
    return LookAlike(lambda points, fields: ball(points, centre, radius), float(rng.uniform(1500.0, 3000.0)))


def _patch(rng: np.random.Generator, probe: Probe, opening: Place) -> LookAlike:
    """Dural substitute or haemostatic material under the opening: thin, denser than brain."""
    radius, thick = float(rng.uniform(12.0, 35.0)), float(rng.uniform(1.0, 3.0))

    def region(points: Points, fields: dict[str, Field]) -> Field:
        far = sum((p - np.float32(c)) ** 2 for p, c in zip(points, opening, strict=True))
        return -fields["cavity"] - thick * (1.0 - far / radius**2)

    return LookAlike(region, float(rng.uniform(70.0, 200.0)), unrest_hu=8.0)


def _in_brain(rng: np.random.Generator, probe: Probe, depth_mm: float) -> Place:
    x, y, z = (float(v) for v in rng.normal((0.0, -5.0, 20.0), (34.0, 38.0, 22.0)))
    return probe.into_brain((x, y, z), depth_mm)


def _side(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


VERTEBRAL = ((0.0, -7.0, -48.0), (8.0, -14.0, -60.0))
"""Ends of the vertebral artery's last part."""

CALCIFIED: tuple[tuple[Callable[[np.random.Generator, Probe], Region], float], ...] = (
    (_plexus, 0.6),
    (_pineal, 0.4),
    (_nuclei, 0.35),
    (_lesion, 0.4),
    (_lesion, 0.2),
    (_vessel_wall, 0.3),
)
"""Where calcium is, and how often."""

LEFT_BEHIND: tuple[tuple[Callable[[np.random.Generator, Probe, Place], LookAlike], float], ...] = (
    (_air, 0.5),
    (_drain, 0.4),
    (_clip, 0.3),
    (_patch, 0.3),
)
"""What operations leave behind, and how often."""

DRAWERS: dict[str, Callable[[np.random.Generator, Probe], tuple[LookAlike, ...]]] = {
    "infarct": _infarct,
    "tumour": _tumour,
    "calcified": _calcified,
    "operated": _operated,
    "filled-air": _filled_air,
    "scalp-haematoma": _scalp_haematoma,
}
"""Feature to the function that draws it."""

"""What can be mistaken for blood, or hide it: in bleeding and bleed-free heads alike."""

from dataclasses import dataclass

import numpy as np

from ichnos.phantoms.fields import Field, Noise, Points, ball, capsule, ellipsoid
from ichnos.phantoms.probe import Place, Probe
from ichnos.phantoms.tissue import Image, Plane, mix


@dataclass(frozen=True)
class Distractors:
    """The distractors of one head; empty tuples mean none.

    Attributes:
        calcium: (place, radius in mm) of calcified pineal, choroid plexus, falx, basal ganglia.
        calcium_hu: their density.
        faint: places of faint calcification of the basal ganglia, with radii.
        infarcts: (centre, half-lengths) of old infarcts, and lacunes.
        infarct_hu: their density.
        vessels: (start, end, radius) of dense vessels.
        vessel_hu: their density.
        fracture: (point, normal) of a line through the skull.
        noise: roughens the edges.
    """

    calcium: tuple[tuple[Place, float], ...]
    calcium_hu: float
    faint: tuple[tuple[Place, float], ...]
    infarcts: tuple[tuple[Place, Place], ...]
    infarct_hu: float
    vessels: tuple[tuple[Place, Place, float], ...]
    vessel_hu: float
    fracture: tuple[Place, Place] | None
    noise: Noise


def draw_distractors(rng: np.random.Generator, probe: Probe, enabled: bool) -> Distractors:
    """Draw distractors; calcified pineal and choroid plexus belong to anatomy and stay."""
    drawn = Distractors(
        calcium=_normal_calcium(rng) + _odd_calcium(rng, probe),
        calcium_hu=float(rng.uniform(110.0, 420.0)),
        faint=_faint_calcium(rng),
        infarcts=_infarcts(rng, probe),
        infarct_hu=float(rng.uniform(6.0, 20.0)),
        vessels=_vessels(rng),
        vessel_hu=float(rng.uniform(44.0, 64.0)),
        fracture=_fracture(rng, probe),
        noise=Noise.draw(rng, 14.0, 16),
    )
    if enabled:
        return drawn
    return Distractors(drawn.calcium[:3], drawn.calcium_hu, (), (), drawn.infarct_hu, (), 50.0, None, drawn.noise)


def _normal_calcium(rng: np.random.Generator) -> tuple[tuple[Place, float], ...]:
    pineal, plexus = (float(v) for v in rng.uniform(0.4, 2.8, 2))
    jitter = rng.normal(0.0, 1.5, (3, 3))
    places = ((0.0, -32.0, 2.0), (21.0, -38.0, 14.0), (-21.0, -38.0, 14.0))
    radii = (pineal, plexus, plexus * float(rng.uniform(0.7, 1.2)))
    return tuple((_shift(p, j), r) for p, j, r in zip(places, jitter, radii, strict=True))


def _odd_calcium(rng: np.random.Generator, probe: Probe) -> tuple[tuple[Place, float], ...]:
    falx = [(float(rng.normal(0, 0.6)), float(rng.uniform(10, 60)), float(rng.uniform(25, 60))) for _ in range(2)]
    lone = probe.into_brain(_shift((0.0, 0.0, 15.0), rng.normal(0.0, 30.0, 3)), 6.0)
    radii = rng.uniform(0.8, 2.6, 3)
    keep = rng.random(3) < (0.2, 0.1, 0.15)
    places = (*falx, lone)
    return tuple((p, float(r)) for p, r, k in zip(places, radii, keep, strict=True) if k)


def _faint_calcium(rng: np.random.Generator) -> tuple[tuple[Place, float], ...]:
    present, radius = rng.random() < 0.15, float(rng.uniform(2.5, 5.0))
    y, z = float(rng.normal(6.0, 3.0)), float(rng.normal(1.0, 3.0))
    places = ((20.0, y, z), (-20.0, y, z))
    return tuple((place, radius) for place in places) if present else ()


def _infarcts(rng: np.random.Generator, probe: Probe) -> tuple[tuple[Place, Place], ...]:
    found = []
    if rng.random() < 0.2:
        angle, height = float(rng.uniform(-80.0, 70.0)), float(rng.uniform(-5.0, 50.0))
        centre = probe.on_table(angle, height, 1.0 if rng.random() < 0.5 else -1.0)
        inward = (centre[0] * 0.85, centre[1] * 0.85, centre[2])
        found.append((inward, _shift((0.0, 0.0, 0.0), rng.uniform(9.0, 26.0, 3))))
    for _ in range(int(rng.poisson(0.5))):
        x, y, z = (float(v) for v in rng.normal((22.0, 2.0, 8.0), (7.0, 14.0, 8.0)))
        radius = float(rng.uniform(1.8, 4.0))
        found.append(((x if rng.random() < 0.5 else -x, y, z), (radius, radius * 1.3, radius)))
    return tuple(found)


def _vessels(rng: np.random.Generator) -> tuple[tuple[Place, Place, float], ...]:
    basilar = ((0.0, 0.0, -22.0), (float(rng.normal(0.0, 2.0)), -4.0, -45.0), 2.0)
    middle = tuple(((s * 9.0, 13.0, -19.0), (s * 36.0, 20.0, -13.0), 1.6) for s in (1.0, -1.0))
    keep = rng.random(3) < (0.35, 0.2, 0.2)
    return tuple(v for v, k in zip((basilar, *middle), keep, strict=True) if k)


def _fracture(rng: np.random.Generator, probe: Probe) -> tuple[Place, Place] | None:
    present = rng.random() < 0.12
    angle, height = float(rng.uniform(-85.0, 85.0)), float(rng.uniform(-15.0, 60.0))
    point = probe.on_table(angle, height, 1.0 if rng.random() < 0.5 else -1.0)
    across = np.cross(np.array(probe.inward(point)), rng.normal(0.0, 1.0, 3))
    x, y, z = across / (np.linalg.norm(across) + 1e-6)
    return (point, (float(x), float(y), float(z))) if present else None


def _shift(place: Place, by: np.ndarray) -> Place:
    x, y, z = np.asarray(place) + by
    return float(x), float(y), float(z)


def distractor_fields(distractors: Distractors, points: Points) -> dict[str, Field]:
    """Distances to each kind of distractor, below 0 inside; kinds that are absent are left out."""
    fields = {}
    balls = {"calcium": distractors.calcium, "faint": distractors.faint}
    for name, found in balls.items():
        if found:
            fields[name] = _nearest([ball(points, place, radius) for place, radius in found])
    if distractors.infarcts:
        rough = distractors.noise.at(points)
        fields["infarct"] = _nearest(
            [ellipsoid(points, c, axes) + 0.2 * min(axes) * rough for c, axes in distractors.infarcts]
        )
    if distractors.vessels:
        fields["vessel"] = _nearest([capsule(points, a, b, (r, 0.8 * r)) for a, b, r in distractors.vessels])
    if distractors.fracture is not None:
        point, normal = distractors.fracture
        gaps = [p - np.float32(c) for p, c in zip(points, point, strict=True)]
        fields["fracture"] = sum(g * np.float32(n) for g, n in zip(gaps, normal, strict=True)) + distractors.noise.at(
            points
        )
        fields["fracture_end"] = ball(points, point, 28.0)
    return fields


def _nearest(distances: list[Field]) -> Field:
    nearest = distances[0]
    for distance in distances[1:]:
        nearest = np.minimum(nearest, distance)
    return nearest


def paint_distractors(image: Image, plane: Plane, distractors: Distractors) -> Image:
    """Put the distractors that this plane meets into its image."""
    brain = plane.inside(plane["cavity"] + 1.5)
    for name, hu, softness in (
        ("infarct", distractors.infarct_hu, 2.5),
        ("vessel", distractors.vessel_hu, 1.0),
        ("faint", 75.0, 3.0),
        ("calcium", distractors.calcium_hu, 1.0),
    ):
        if plane.meets(name):
            image = mix(image, hu, brain * plane.inside(plane[name] / softness))
    if plane.meets("fracture_end"):
        line = plane.inside(np.abs(plane["fracture"]) - 0.5) * plane.inside(plane["fracture_end"])
        image = mix(image, 60.0, line * plane.inside(plane["skull"]) * plane.inside(-plane["cavity"]))
    return image

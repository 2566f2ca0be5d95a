"""Look-alikes inside the cavity: calcium, tumours, infarcts, dark swollen brains."""

import numpy as np

from ichnos.phantoms.fields import Field, Noise, Points, ellipsoid
from ichnos.phantoms.look_alike import LookAlike
from ichnos.phantoms.outer_alikes import lone_ball, outward, rough_ball
from ichnos.phantoms.probe import Place, Probe
from ichnos.phantoms.structures import Region

CALCIUM: tuple[tuple[Place, float, float], ...] = (
    ((0.0, -32.0, 2.0), 0.7, 4.5),
    ((21.0, -38.0, 14.0), 0.7, 6.0),
    ((-21.0, -38.0, 14.0), 0.7, 6.0),
    ((20.0, 6.0, 1.0), 0.35, 6.0),
    ((-20.0, 6.0, 1.0), 0.35, 6.0),
    ((14.0, -8.0, 6.0), 0.15, 5.0),
    ((-14.0, -8.0, 6.0), 0.15, 5.0),
    ((18.0, -55.0, -40.0), 0.2, 7.0),
    ((-18.0, -55.0, -40.0), 0.2, 7.0),
    ((0.0, 40.0, 45.0), 0.35, 4.0),
    ((0.0, -20.0, 62.0), 0.25, 4.0),
    ((9.0, 13.0, -20.0), 0.3, 2.5),
    ((-9.0, 13.0, -20.0), 0.3, 2.5),
    ((2.0, -10.0, -38.0), 0.2, 2.5),
    ((24.0, -28.0, -12.0), 0.15, 3.0),
    ((0.0, -48.0, -2.0), 0.2, 4.0),
)
"""Place, odds and largest radius in mm: pineal, plexus, basal ganglia, thalami, dentate nuclei, falx, arteries."""


def draw_calcified(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    """Calcium from faint to dense, in its usual places and in old lesions."""
    found, overall = [], float(rng.uniform(0.6, 1.4))
    level = float(np.exp(rng.uniform(np.log(60.0), np.log(800.0))))
    for place, odds, largest in CALCIUM:
        x, y, z = np.array(place) + rng.normal(0.0, 1.5, 3)
        radius, hu = float(rng.uniform(0.8, largest)), float(np.clip(level * rng.lognormal(0.0, 0.4), 60.0, 800.0))
        noise = Noise.draw(rng, 4.0, 16)
        if rng.random() < odds * overall:
            region = rough_ball((float(x), float(y), float(z)), radius, noise)
            found.append(LookAlike(region, "cavity", hu, 0.12 * hu, softness_mm=1.0 if hu > 120.0 else 2.5))
    for _ in range(int(rng.poisson(0.8))):
        lone = probe.into_brain(_place(rng.normal((0.0, 0.0, 15.0), 30.0)), 3.0)
        hu = float(np.exp(rng.uniform(np.log(60.0), np.log(800.0))))
        found.append(LookAlike(lone_ball(lone, float(rng.uniform(0.8, 4.0))), "cavity", hu))
    return tuple(found)


def draw_tumour(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    """A meningioma beside the dura, or one to three masses in the brain, with dark oedema around."""
    found: list[LookAlike] = []
    dural = rng.random() < 0.45
    for _ in range(1 if dural else int(rng.integers(1, 4))):
        radius = float(rng.uniform(5.0, 26.0 if dural else 18.0))
        centre = _dural(rng, probe, radius) if dural else probe.into_brain(_place(rng.normal(0.0, 30.0, 3)), radius)
        noise, hu = Noise.draw(rng, 14.0, 16), float(rng.uniform(35.0, 55.0))
        around = radius + float(rng.uniform(0.0, 22.0))
        found += [
            LookAlike(rough_ball(centre, around, noise), "white", float(rng.uniform(14.0, 21.0)), 1.0, 0.85, 4.0),
            LookAlike(rough_ball(centre, radius, noise), "cavity", hu, float(rng.uniform(1.0, 4.0)), 1.0, 1.5),
        ]
        if rng.random() < 0.35:
            core = rough_ball(centre, radius * float(rng.uniform(0.3, 0.75)), noise)
            found.append(LookAlike(core, "cavity", float(rng.uniform(8.0, 28.0)), 1.0, 1.0, 2.0))
    return tuple(found)


def draw_infarct(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    """Fresh and old infarcts, and dark white matter of small vessel disease."""
    found: list[LookAlike] = []
    if rng.random() < 0.4:
        reach, noise = float(rng.uniform(4.0, 16.0)), Noise.draw(rng, 16.0, 16)
        found.append(
            LookAlike(_around_ventricles(reach, noise), "white", float(rng.uniform(15.0, 22.0)), 1.0, 0.8, 5.0)
        )
    for _ in range(int(rng.integers(1, 3))):
        old = rng.random() < 0.4
        hu = float(rng.uniform(3.0, 14.0)) if old else float(rng.uniform(17.0, 28.0))
        strength = 1.0 if old else float(rng.uniform(0.5, 0.95))
        region = _territory(rng, probe)
        found.append(LookAlike(region, "tissue", hu, 1.0, strength, 1.5 if old else 5.0))
        if not old:  # swollen: the sulci close
            found.append(LookAlike(region, "sulci", hu, 1.0, float(rng.uniform(0.3, 0.9)), 5.0))
    return tuple(found)


def draw_swollen(rng: np.random.Generator, probe: Probe) -> tuple[LookAlike, ...]:
    """A dark swollen brain, whose falx, tentorium, cisterns and vessels look dense beside it."""
    hu, closed = float(rng.uniform(18.0, 27.0)), float(rng.uniform(0.5, 0.95))
    dense, half = float(rng.uniform(38.0, 62.0)), float(rng.uniform(0.6, 1.6))
    cistern_hu, reach = float(rng.uniform(24.0, 38.0)), float(rng.uniform(-1.0, 1.5))

    def falx(points: Points, fields: dict[str, Field]) -> Field:
        sheets = (fields["midline"], fields["tentorium"])
        return np.minimum(*(np.clip((s * s - half * half) * np.float32(0.5 / half), -50.0, 50.0) for s in sheets))

    return (
        LookAlike(_everywhere, "tissue", hu, 1.0, float(rng.uniform(0.5, 0.9))),
        LookAlike(_everywhere, "sulci", hu + 3.0, 1.0, closed),
        LookAlike(_everywhere, "ventricles", hu, 1.0, float(rng.uniform(0.0, 0.6))),
        LookAlike(lambda points, fields: fields["cisterns"] - reach, "sulci", cistern_hu, 2.0, 0.8),
        LookAlike(lambda points, fields: np.maximum(falx(points, fields), -fields["falx_reach"]), "cavity", dense, 2.0),
    )


def _everywhere(points: Points, fields: dict[str, Field]) -> Field:
    return np.full_like(points.x, -50.0)


def _around_ventricles(reach_mm: float, noise: Noise) -> Region:
    return lambda points, fields: fields["ventricles"] - np.float32(reach_mm) * (1.0 + 0.4 * noise.at(points))


def _territory(rng: np.random.Generator, probe: Probe) -> Region:
    """A wedge with its base on the table, or a patch of a middle, posterior or cerebellar artery."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    centre = probe.on_table(float(rng.uniform(-85.0, 80.0)), float(rng.uniform(-45.0, 50.0)), side)
    x, y, z = outward(probe, centre, -float(rng.uniform(3.0, 22.0)))
    wide, long, tall = (float(v) for v in rng.uniform(9.0, 36.0, 3))
    noise, rough = Noise.draw(rng, 16.0, 16), 0.2 * min(wide, long, tall)
    return lambda points, fields: np.maximum(
        ellipsoid(points, (x, y, z), (wide, long, tall)) + np.float32(rough) * noise.at(points),
        np.float32(-side) * points.x,
    )


def _dural(rng: np.random.Generator, probe: Probe, radius: float) -> Place:
    """Beside the inner table, or beside the falx."""
    if rng.random() < 0.25:
        return radius * float(rng.choice((-0.8, 0.8))), float(rng.uniform(-40.0, 50.0)), float(rng.uniform(35.0, 60.0))
    side = 1.0 if rng.random() < 0.5 else -1.0
    table = probe.on_table(float(rng.uniform(-85.0, 85.0)), float(rng.uniform(-35.0, 65.0)), side)
    return outward(probe, table, -0.75 * radius)


def _place(values: np.ndarray) -> Place:
    x, y, z = (float(v) for v in values)
    return x, y, z

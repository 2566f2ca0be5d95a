"""What blood looks like as it ages and settles: features `any-age`, `fluid-levels` and `oedema`.

Densities are typical textbook values at 120 kV: fresh unclotted blood is little denser than grey
matter, clots reach 60 to 85 HU within hours, lose about 1.5 HU a day from their edge inwards, and
pass the density of the brain after some weeks. A collection that is dark all over is not drawn:
readers do not label it as haemorrhage. Where fresh blood has entered an old subdural collection,
readers outline the whole of it, and so does its mask.
"""

from dataclasses import dataclass, replace

import numpy as np

from ichnos.phantoms.bleed import Bleed, Within
from ichnos.phantoms.features import Features
from ichnos.phantoms.fields import Field, Noise, Points, step
from ichnos.phantoms.settings import SUBTYPES, Range


@dataclass(frozen=True)
class Age:
    """How blood of an age looks; ranges are of a uniform draw.

    Attributes:
        hu: mean density of the dense part.
        lakes_hu: how much darker swirls of unclotted blood or serum are.
        lakes: where noise of deviation 1 exceeds this, there is a lake; low for many.
        centre_hu: how much denser the centre is than the edge.
        edge_mm: over how many mm the edge fades.
    """

    hu: Range
    lakes_hu: Range
    lakes: float
    centre_hu: Range
    edge_mm: Range


AGES: dict[str, Age] = {
    "hyperacute": Age((44.0, 58.0), (6.0, 16.0), 0.2, (0.0, 4.0), (0.0, 1.5)),
    "acute": Age((56.0, 76.0), (0.0, 8.0), 0.8, (0.0, 6.0), (0.0, 1.0)),
    "clotted": Age((70.0, 88.0), (0.0, 6.0), 1.2, (0.0, 8.0), (0.0, 0.8)),
    "mixed": Age((58.0, 76.0), (12.0, 34.0), 0.4, (0.0, 4.0), (0.0, 1.2)),
    "anaemic": Age((40.0, 52.0), (0.0, 6.0), 0.8, (0.0, 3.0), (0.0, 1.5)),
    "subacute": Age((38.0, 54.0), (0.0, 6.0), 0.8, (4.0, 14.0), (1.0, 3.5)),
}
"""The ages of blood."""

AGE_ODDS = (0.12, 0.42, 0.12, 0.14, 0.06, 0.14)
"""Share of each age."""

ON_CHRONIC = 0.3
"""Share of thick subdural bleeds that are fresh blood in an old collection, typical of old patients."""


def age_bleeds(bleeds: tuple[Bleed, ...], features: Features) -> tuple[Bleed, ...]:
    """Give bleeds the look that the features of their scan ask for."""
    if "any-age" in features:
        age = AGES[str(features.stream("any-age").choice(list(AGES), p=AGE_ODDS))]
        streams = _streams(features, "any-age")
        bleeds = tuple(_aged(bleed, age, streams[bleed.subtype]) for bleed in bleeds)
    if "fluid-levels" in features:
        streams = _streams(features, "fluid-levels")
        bleeds = tuple(_settled(bleed, streams[bleed.subtype]) for bleed in bleeds)
    if "oedema" in features:
        streams = _streams(features, "oedema")
        bleeds = tuple(_swollen(bleed, streams[bleed.subtype]) for bleed in bleeds)
    return bleeds


def _streams(features: Features, name: str) -> dict[str, np.random.Generator]:
    """A stream for each subtype, so that a bleed does not change with those of other subtypes."""
    return dict(zip(SUBTYPES, features.stream(name).spawn(len(SUBTYPES)), strict=True))


def _aged(bleed: Bleed, age: Age, rng: np.random.Generator) -> Bleed:
    hu, lakes_hu, centre_hu, edge_mm = (
        float(rng.uniform(*span)) for span in (age.hu, age.lakes_hu, age.centre_hu, age.edge_mm)
    )
    noise, is_old = Noise.draw(rng, float(rng.uniform(8.0, 24.0)), 16), rng.random() < ON_CHRONIC
    if bleed.may_be_old and is_old:
        return _on_chronic(bleed, rng, noise)
    if bleed.subtype == "subdural":  # thin layers as dense as cortex would be labels that nobody can see
        hu = max(hu, 46.0)
    if bleed.subtype == "subarachnoid":  # thin and mixed with fluid
        return replace(bleed, hu=max(hu - float(rng.uniform(0.0, 14.0)), 42.0), edge_mm=0.3 * edge_mm)

    def shade(points: Points, region: Field) -> Field:
        dense = np.clip(region * np.float32(-0.1), 0.0, 1.0) - np.float32(0.7)
        return centre_hu * dense - lakes_hu * step(noise.at(points) - age.lakes, 0.6)

    return replace(bleed, hu=hu, shade=shade, edge_mm=edge_mm)


def _on_chronic(bleed: Bleed, rng: np.random.Generator, noise: Noise) -> Bleed:
    """A dark old collection with fresh blood that has sunk in it, or in strands and clots."""
    body, fresh = float(rng.uniform(14.0, 34.0)), float(rng.uniform(45.0, 70.0))
    if rng.random() < 0.55:
        return replace(bleed, hu=fresh, upper_hu=body, level=_level(rng, (0.25, 0.75)))
    many = float(rng.uniform(-0.7, 0.3))

    def shade(points: Points, region: Field) -> Field:
        return np.asarray((fresh - body) * step(noise.at(points) - many, 0.7))

    return replace(bleed, hu=body, shade=shade)


def _settled(bleed: Bleed, rng: np.random.Generator) -> Bleed:
    """Let red cells sink to a level; the plasma above them is darker but belongs to the bleed."""
    settles, lower = rng.random(), float(rng.uniform(4.0, 14.0))
    level, upper_hu = _level(rng, (0.3, 0.8)), float(rng.uniform(14.0, 36.0))
    share = {"intraparenchymal": 0.6, "subdural": 0.4, "intraventricular": 0.3}.get(bleed.subtype, 0.0)
    if settles >= share or bleed.level is not None:
        return bleed
    return replace(bleed, hu=min(max(bleed.hu, upper_hu + 8.0) + lower, 90.0), upper_hu=upper_hu, level=level)


def _level(rng: np.random.Generator, share: Range) -> Within:
    """A level that is flat in a head that lies face up, at a share of the height of the bleed."""
    part, slope, ripple = float(rng.uniform(*share)), float(rng.normal(0.0, 0.06)), float(rng.uniform(0.0, 1.2))
    noise = Noise.draw(rng, 10.0, 16)

    def level(points: Points, region: Field) -> Field:
        inside = points.y[region < 0.0]
        low, high = (float(inside.min()), float(inside.max())) if inside.size else (0.0, 0.0)
        flat = points.y - np.float32(low + part * (high - low)) + np.float32(slope) * points.x
        return flat + np.float32(ripple) * noise.at(points)

    return level


def _swollen(bleed: Bleed, rng: np.random.Generator) -> Bleed:
    width_mm, depth_hu = float(rng.uniform(0.0, 1.0)) ** 1.5 * 20.0, float(rng.uniform(4.0, 17.0))
    uneven, noise = float(rng.uniform(0.2, 0.6)), Noise.draw(rng, 18.0, 16)
    if bleed.subtype != "intraparenchymal":
        return bleed

    def halo(points: Points, region: Field) -> Field:
        return region - np.float32(width_mm) * np.clip(1.0 + uneven * noise.at(points), 0.0, 2.0)

    return replace(bleed, halo=halo, oedema_mm=2.0 * width_mm, oedema_hu=depth_hu)

"""Bleeds that grow from a point through what would let them through: five subtypes, five regions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ichnos.phantoms.grown.frame import Frame, Region, Volume
from ichnos.phantoms.grown.growth import NEVER, grow
from ichnos.phantoms.grown.labels import Label
from ichnos.phantoms.grown.settings import GrownSettings
from ichnos.phantoms.grown.skull import Cavity

TISSUE = (Label.GREY, Label.WHITE, Label.DEEP, Label.CEREBELLUM, Label.STEM)


@dataclass(frozen=True)
class GrownHead:
    """A painted head, ready to bleed.

    Attributes:
        frame: where voxels lie.
        cavity: of the skull.
        labels: `Label` of each voxel.
    """

    frame: Frame
    cavity: Cavity
    labels: np.ndarray

    def of(self, *labels: Label) -> Region:
        """Voxels of the cavity with one of these labels."""
        return np.isin(self.labels, labels) & self.cavity.inside

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel."""
        return float(np.prod(self.frame.spacing_mm)) / 1000.0


@dataclass(frozen=True)
class GrownBleed:
    """Blood of one subtype.

    Attributes:
        subtype: which.
        region: its voxels.
        hu: density of the blood in each voxel.
    """

    subtype: str
    region: Region
    hu: Volume


def draw_grown_bleeds(rng: np.random.Generator, head: GrownHead, settings: GrownSettings) -> tuple[GrownBleed, ...]:
    """None, or one to three bleeds of different subtypes; no voxel belongs to two."""
    if rng.random() >= settings.bleed_probability:
        return ()
    count = min(int(rng.choice([1, 2, 3], p=[0.7, 0.22, 0.08])), len(settings.subtypes))
    free, bleeds = head.cavity.inside.copy(), []
    for subtype in rng.choice(settings.subtypes, count, replace=False):
        region = _GROWERS[str(subtype)](rng, head) & free
        free &= ~region
        if region.any():
            bleeds.append(GrownBleed(str(subtype), region, _density(rng, head, str(subtype), region)))
    return tuple(bleeds)


_BLOOD_HU = {
    "epidural": (52.0, 82.0),
    "intraparenchymal": (54.0, 84.0),
    "intraventricular": (46.0, 80.0),
    "subarachnoid": (42.0, 68.0),
    "subdural": (42.0, 78.0),
}


def _density(rng: np.random.Generator, head: GrownHead, subtype: str, region: Region) -> Volume:
    noise = head.frame.noise(rng, float(rng.uniform(7.0, 20.0)))
    hu = float(rng.uniform(*_BLOOD_HU[subtype])) + float(rng.uniform(0.0, 6.0)) * noise
    kind = rng.random()
    if kind < 0.15:  # clotted and liquid parts
        hu = np.where(noise > 0.6, hu - float(rng.uniform(10.0, 26.0)), hu)
    elif kind < 0.3:  # cells have sunk to the back, serum floats in front
        level = np.quantile(head.frame.y[region], rng.uniform(0.45, 0.9))
        hu = np.where(head.frame.y > level, hu - float(rng.uniform(8.0, 24.0)), hu)
    return np.asarray(np.clip(hu, 30.0, 95.0), dtype=np.float32)


def _start(rng: np.random.Generator, starts: Region, allowed: Region) -> tuple[int, int, int]:
    """A voxel among the quarter of `starts` with most of the region around it: no dead end."""
    room = ndimage.uniform_filter(allowed.astype(np.float32), 7, mode="constant")
    places = np.flatnonzero(starts & (room >= np.quantile(room[starts], 0.75)))
    plane, row, column = np.unravel_index(int(places[rng.integers(len(places))]), allowed.shape)
    return int(plane), int(row), int(column)


def _speed(rng: np.random.Generator, head: GrownHead, width_mm: float, unrest: float) -> Volume:
    return np.clip(0.5 * np.exp(unrest * head.frame.noise(rng, width_mm)), 0.03, 0.95)


def _front(rng: np.random.Generator, head: GrownHead, within: tuple[Region, Region], volume_ml: float) -> np.ndarray:
    """Rounds of a front through the region `within[0]`, from a voxel of `within[1]` (or of the region)."""
    allowed, starts = within
    starts = starts & allowed
    if not allowed.any():
        return np.full(allowed.shape, NEVER, np.int16)
    start = _start(rng, starts if starts.any() else allowed, allowed)
    speed = _speed(rng, head, float(rng.uniform(10.0, 26.0)), float(rng.uniform(0.1, 0.9)))
    return grow(rng, allowed, start, speed, (max(2, int(volume_ml / head.voxel_ml)), head.frame.spacing_mm))


def _volume_ml(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _smooth(head: GrownHead, region: Region, by_mm: float) -> Region:
    share = ndimage.gaussian_filter(region.astype(np.float32), [by_mm / step for step in head.frame.spacing_mm])
    return np.asarray(share > 0.45)


def _grow_in_tissue(rng: np.random.Generator, head: GrownHead) -> Region:
    where = [Label.DEEP, Label.WHITE, Label.GREY, Label.CEREBELLUM, Label.STEM]
    starts = head.of(where[int(rng.choice(5, p=[0.4, 0.28, 0.17, 0.1, 0.05]))])
    allowed = head.of(*TISSUE) & (head.cavity.depth_mm > 2.0)
    rounds = _front(rng, head, (allowed, starts), _volume_ml(rng, 0.3, 70.0))
    return _smooth(head, rounds < NEVER, 1.6) & head.cavity.inside & (head.labels != Label.VENTRICLE)


def _grow_in_ventricles(rng: np.random.Generator, head: GrownHead) -> Region:
    allowed = head.of(Label.VENTRICLE)
    if not allowed.any():
        return allowed
    total_ml = np.count_nonzero(allowed) * head.voxel_ml
    low = np.quantile(head.frame.y[allowed], 0.25)
    if rng.random() < 0.4:  # a level in those who lie on their back
        return np.asarray(allowed & (head.frame.y < np.quantile(head.frame.y[allowed], rng.uniform(0.1, 0.5))))
    starts = allowed & (head.frame.y < low) if rng.random() < 0.6 else allowed
    return _front(rng, head, (allowed, starts), total_ml * float(rng.uniform(0.08, 1.0))) < NEVER


def _grow_in_fluid(rng: np.random.Generator, head: GrownHead) -> Region:
    allowed = head.of(Label.CSF) | (head.cavity.inside & (head.cavity.depth_mm < 1.5))  # the pia is always wet
    deep = head.cavity.depth_mm > 14.0 if rng.random() < 0.6 else head.cavity.depth_mm < 12.0
    return _front(rng, head, (allowed, np.asarray(deep)), _volume_ml(rng, 0.8, 35.0)) < NEVER


def _grow_under_dura(rng: np.random.Generator, head: GrownHead) -> Region:
    kind = rng.random()
    if kind < 0.22:
        return _grow_along_sheet(rng, head, falx=kind < 0.14)
    return _grow_under_skull(rng, head, (float(rng.uniform(2.5, 14.0)), _volume_ml(rng, 3.0, 80.0)), bend=0.9)


def _grow_over_dura(rng: np.random.Generator, head: GrownHead) -> Region:
    volume_ml = _volume_ml(rng, 2.0, 50.0)
    thick_mm = float(rng.uniform(0.8, 1.25)) * 7.5 * volume_ml ** (1 / 3)
    return _grow_under_skull(rng, head, (min(thick_mm, 24.0), volume_ml), bend=0.7)


def _grow_under_skull(rng: np.random.Generator, head: GrownHead, size: tuple[float, float], bend: float) -> Region:
    """A front between skull and brain, thick where it began and thin where it arrived last.

    Args:
        rng: randomness.
        head: that bleeds.
        size: (thickness in mm, volume in mL), both before thinning.
        bend: exponent of the profile; small is blunt.
    """
    thick_mm, volume_ml = size
    side = 1.0 if rng.random() < 0.5 else -1.0
    frame, depth = head.frame, head.cavity.depth_mm
    allowed = head.cavity.inside & (depth < max(thick_mm, 2.2)) & (side * frame.x > 2.5) & (frame.z > -14.0)
    starts = allowed & (depth < 3.0) & (side * frame.x > 24.0) & (frame.z > -4.0)
    rounds = _front(rng, head, (allowed, starts), 1.8 * volume_ml)
    joined = rounds < NEVER
    last = np.float32(max(1, int(rounds[joined].max(initial=1))))
    profile = np.clip(1.0 - (rounds / last) ** 2, 0.0, 1.0) ** np.float32(bend)
    thickness = thick_mm * profile * (1.0 + 0.15 * frame.noise(rng, 25.0))
    region = _smooth(head, joined & (depth < thickness), 0.8)
    return np.asarray(region | (joined & (depth < 1.5) & (thickness > 0.3 * thick_mm))) & allowed


def _grow_along_sheet(rng: np.random.Generator, head: GrownHead, *, falx: bool) -> Region:
    """A thin layer on one side of falx or tentorium."""
    frame = head.frame
    dura = head.of(Label.DURA) & ((np.abs(frame.x) < 6.0) if falx else (np.abs(frame.x) > 8.0))
    if not dura.any():
        return dura
    distance = ndimage.distance_transform_edt(~dura, sampling=frame.spacing_mm)
    side = 1.0 if rng.random() < 0.5 else -1.0
    allowed = head.cavity.inside & (distance < rng.uniform(2.2, 6.0)) & (side * frame.x > 0.0)
    return _front(rng, head, (allowed, dura), _volume_ml(rng, 1.5, 14.0)) < NEVER


_GROWERS: dict[str, Callable[[np.random.Generator, GrownHead], Region]] = {
    "epidural": _grow_over_dura,
    "intraparenchymal": _grow_in_tissue,
    "intraventricular": _grow_in_ventricles,
    "subarachnoid": _grow_in_fluid,
    "subdural": _grow_under_dura,
}

"""What fills the cavity: a folded ribbon of cortex, deep grey matter, ventricles, cisterns, dura and veins."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ichnos.phantoms.grown.frame import Frame, Region, Volume
from ichnos.phantoms.grown.labels import Label
from ichnos.phantoms.grown.skull import Cavity

FOLD_MM = 75.0
"""Folds are drawn on a sphere of this radius, and so run inwards from the surface."""


@dataclass(frozen=True)
class Age:
    """How much of the cavity is fluid.

    Attributes:
        gap_mm: between brain and skull.
        sulcus: half-width of sulci, in standard deviations of the noise that folds them.
        ventricle: size of the ventricles over that of middle age.
    """

    gap_mm: float
    sulcus: float
    ventricle: float


def draw_age(rng: np.random.Generator) -> Age:
    """From a full young brain to an atrophic one."""
    atrophy = float(rng.beta(1.2, 1.6))
    return Age(
        gap_mm=0.2 + 2.8 * atrophy * float(rng.uniform(0.5, 1.2)),
        sulcus=float(rng.uniform(0.08, 0.2)) + 0.4 * atrophy,
        ventricle=float(rng.uniform(0.6, 0.9)) + 0.7 * atrophy,
    )


def paint_brain(rng: np.random.Generator, frame: Frame, cavity: Cavity, labels: np.ndarray) -> None:
    """Paint all that lies inside the cavity into the label volume."""
    age = draw_age(rng)
    bent = frame.bent(rng, 28.0, float(rng.uniform(1.0, 2.6)))
    tent = bent.z - (6.0 - 0.36 * np.abs(bent.x) + 0.22 * (bent.y + 30.0))
    below = (tent < 0.0) & (bent.y < -18.0)
    _paint_cerebrum(rng, bent, cavity, (labels, age, ~below))
    _paint_below(rng, bent, cavity, (labels, age, below))
    _paint_fluid(rng, bent, cavity, (labels, age))
    _paint_dura(rng, bent, cavity, (labels, age, tent))


Canvas = tuple[np.ndarray, Age, Region]


def _paint_cerebrum(rng: np.random.Generator, frame: Frame, cavity: Cavity, canvas: Canvas) -> None:
    labels, age, above = canvas
    gap = age.gap_mm * (1.0 + 0.5 * frame.noise(rng, 35.0)) * np.where(frame.y > 0.0, 1.2, 0.8)
    depth = cavity.depth_mm - np.maximum(gap, 0.0)
    brain = above & (depth > 0.0) & cavity.inside
    labels[brain] = Label.WHITE
    shell = brain & (depth < 24.0)
    folds = np.abs(_folds(rng, frame, shell))
    reach = np.clip(1.0 - depth[shell] / rng.uniform(17.0, 26.0), 0.0, 1.0) ** 0.5
    ribbon = (folds < (0.62 + age.sulcus) * reach) | (depth[shell] < 3.2)
    sulcus = folds < age.sulcus * (1.0 + 0.3 * frame.noise(rng, 30.0)[shell]) * reach
    labels[shell] = np.where(sulcus, Label.CSF, np.where(ribbon, Label.GREY, Label.WHITE))
    folded = frame.folded
    deep = [
        folded.ellipsoid((24.0, 6.0, 4.0), (7.0, 17.0, 10.0)),
        folded.ellipsoid((14.5, 22.0, 14.0), (4.0, 9.0, 7.0)),
        folded.ellipsoid((11.0, -12.0, 8.0), (8.5, 13.0, 8.5)),
        np.maximum(folded.ellipsoid((34.0, 4.0, 5.0), (5.0, 22.0, 15.0)), (34.0 - folded.x) / 5.0),
    ]
    labels[brain & (np.minimum.reduce(deep) < 0.0)] = Label.DEEP


def _folds(rng: np.random.Generator, frame: Frame, where: Region) -> np.ndarray:
    """Noise that hardly changes along the way inwards, with zeros about 11 mm apart."""
    size, step = 64, 2.5  # of a periodic table, mm
    table = ndimage.gaussian_filter(rng.standard_normal((size,) * 3, dtype=np.float32), 1.0, mode="wrap")
    table /= table.std()
    places = np.stack([frame.x[where], frame.y[where], frame.z[where] - np.float32(4.0)])
    radius = np.sqrt((places**2).sum(axis=0)) + np.float32(1.0)
    places *= (FOLD_MM + 0.3 * (radius - FOLD_MM)) / radius
    return np.asarray(ndimage.map_coordinates(table, places / np.float32(step), order=1, mode="grid-wrap"))


def _paint_below(rng: np.random.Generator, frame: Frame, cavity: Cavity, canvas: Canvas) -> None:
    labels, age, below = canvas
    depth = cavity.depth_mm - 0.6 * age.gap_mm
    cerebellum = below & (depth > 0.0)
    labels[cerebellum] = Label.CEREBELLUM
    folia = np.abs(frame.noise(rng, 5.0)) < 0.08 + 0.4 * age.sulcus
    labels[cerebellum & folia & (depth < 9.0)] = Label.CSF
    stem = frame.ellipsoid((0.0, -16.0, -26.0), (14.0, 13.0, 30.0)) < 0.0
    labels[stem & cavity.inside & (depth > 1.0)] = Label.STEM


def _paint_fluid(rng: np.random.Generator, frame: Frame, cavity: Cavity, canvas: tuple[np.ndarray, Age]) -> None:
    labels, age = canvas
    size, folded = age.ventricle, frame.folded
    uneven = float(rng.uniform(0.85, 1.18))
    side = np.where(frame.x > 0.0, np.float32(size * uneven), np.float32(size / uneven))
    horns = [
        folded.ellipsoid((9.5, 26.0, 14.0), (4.8, 16.0, 8.0)),
        folded.ellipsoid((10.5, 0.0, 21.0), (5.6, 25.0, 6.0)),
        folded.ellipsoid((20.0, -29.0, 15.0), (7.5, 12.0, 10.0)),
        folded.ellipsoid((22.0, -45.0, 10.0), (4.2, 14.0, 5.0)),
        folded.ellipsoid((30.0, -8.0, -9.0), (3.6, 19.0, 3.6)),
    ]
    ventricles = (np.minimum.reduce(horns) + 1.0 < side) & (folded.x > 0.9)
    ventricles |= frame.ellipsoid((0.0, 0.0, 4.0), (1.2 + 1.6 * size, 13.0, 9.0)) < 0.0
    ventricles |= frame.ellipsoid((0.0, -35.0, -26.0), (7.0 * size, 5.5, 9.0)) < 0.0
    wide = 0.8 + 1.4 * age.sulcus
    insula = (np.abs(folded.x - 38.0 + 2.0 * frame.noise(rng, 14.0)) < 2.6 * wide) & (np.abs(folded.y - 3.0) < 20.0)
    fissure = (np.abs(frame.z - 1.0 - 0.2 * frame.y) < 2.8 * wide) & (folded.x > 30.0) & (np.abs(folded.y - 8.0) < 26.0)
    stem = np.abs(frame.ellipsoid((0.0, -14.0, -10.0), (17.0, 14.0, 18.0)) * 15.0)
    cisterns = [
        frame.ellipsoid((0.0, 13.0, -13.0), (14.0 * wide, 11.0 * wide, 7.0)) < 0.0,
        frame.ellipsoid((0.0, -29.0, 0.0), (11.0 * wide, 6.0 * wide, 8.0)) < 0.0,
        frame.ellipsoid((0.0, 0.0, -30.0), (14.0 * wide, 5.0 * wide, 16.0)) < 0.0,
        frame.ellipsoid((0.0, -64.0, -44.0), (15.0, 9.0, 11.0)) < 0.0,
        (stem < 1.6 * wide) & (frame.z < 2.0),
        insula & (np.abs(frame.z - 8.0) < 13.0),
        fissure & (frame.z < 22.0),
    ]
    labels[np.logical_or.reduce(cisterns) & cavity.inside] = Label.CSF
    labels[ventricles & cavity.inside & (cavity.depth_mm > 3.0)] = Label.VENTRICLE


def _paint_dura(rng: np.random.Generator, frame: Frame, cavity: Cavity, canvas: tuple[np.ndarray, Age, Volume]) -> None:
    labels, age, tent = canvas
    middle = np.abs(frame.x + 1.5 * frame.noise(rng, 40.0))
    rim = cavity.inside & (frame.ellipsoid((0.0, 2.0, 12.0), (40.0, 54.0, 26.0)) > 0.0) & (frame.z > 2.0)
    labels[rim & (middle < 1.4 + 1.5 * age.sulcus)] = Label.CSF
    labels[rim & (middle < float(rng.uniform(0.5, 1.0)))] = Label.DURA
    sheet = (np.abs(tent) < float(rng.uniform(0.6, 1.2))) & (frame.y < -22.0) & (np.abs(frame.x) > 6.0)
    labels[sheet & cavity.inside] = Label.DURA
    veins = (middle < 5.0) & (cavity.depth_mm < 6.0 - middle) & (frame.z > 0.0)
    veins |= (np.abs(tent) < 4.0) & (cavity.depth_mm < 5.0) & (frame.y < -25.0)
    labels[veins & cavity.inside] = Label.VEIN
    vessels = frame.folded.ellipsoid((9.0, 14.0, -14.0), (9.0, 1.8, 1.8))
    labels[cavity.inside & (np.minimum(vessels, frame.ellipsoid((0.0, 1.0, -22.0), (2.0, 2.0, 13.0))) < 0.0)] = (
        Label.VEIN
    )
    specks = [frame.ellipsoid((0.0, -27.0, 6.0), (3.0, 3.5, 3.0)), frame.pair((21.0, -29.0, 13.0), (3.0, 5.0, 4.0))]
    for speck, odds in zip(specks, (0.6, 0.5), strict=True):
        if rng.random() < odds:
            labels[cavity.inside & (speck < 0.0)] = Label.CALCIUM
    if rng.random() < 0.3:
        labels[rim & (middle < 1.6) & (frame.noise(rng, 12.0) > 1.6)] = Label.CALCIUM

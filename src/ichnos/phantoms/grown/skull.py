"""What surrounds the brain: cavity, skull with its base, layers of scalp, and a face."""

from dataclasses import dataclass

import numpy as np

from ichnos.phantoms.grown.frame import Frame, Region, Volume, as_distance
from ichnos.phantoms.grown.labels import Label


@dataclass(frozen=True)
class Cavity:
    """Where the brain lies.

    Attributes:
        depth_mm: below the inner table; negative outside the cavity.
        inside: voxels of the cavity.
    """

    depth_mm: Volume
    inside: Region


def draw_cavity(rng: np.random.Generator, frame: Frame) -> Cavity:
    """A cerebral ellipsoid without its underside, two middle fossae, and a posterior fossa."""
    size = float(rng.uniform(0.92, 1.07))
    width, length, height = (float(v) for v in size * rng.uniform((63.0, 77.0, 66.0), (71.0, 89.0, 76.0)))
    egg = 1.0 + np.float32(rng.uniform(0.0, 0.14)) * frame.y / 80.0  # narrower in front, or not
    narrow = Frame(frame.x * egg, frame.y, frame.z, frame.spacing_mm)
    cerebrum = narrow.ellipsoid((0.0, 0.0, 4.0), (width, length, height)) * width
    floor = -(frame.z + 7.0 + np.maximum(0.0, 22.0 - frame.y) * 0.3 + 2.0 * frame.noise(rng, 30.0))
    levels = [
        np.maximum(cerebrum, floor),
        frame.pair((0.55 * width, 14.0, -14.0), (0.38 * width, 30.0, 20.0)) * 26.0,
        frame.ellipsoid((0.0, -0.5 * length, -24.0), (0.75 * width, 0.48 * length, 32.0)) * 38.0,
        frame.ellipsoid((0.0, -24.0, -50.0), (13.0, 13.0, 34.0)) * 14.0,
    ]
    level = np.minimum.reduce(levels)
    petrous = _petrous(rng, frame)
    level = np.maximum(level, -petrous)
    depth = -as_distance(level + 1.2 * frame.noise(rng, 35.0) * (frame.z < 20.0), frame.spacing_mm)
    return Cavity(depth, depth > 0.0)


def _petrous(rng: np.random.Generator, frame: Frame) -> Volume:
    """Ridges of bone from the ears inwards and forwards; distance in mm."""
    folded = frame.folded
    along = np.clip((58.0 - folded.x) / 46.0, 0.0, 1.0)
    y, z = -22.0 + 30.0 * along, -24.0 + 4.0 * along
    reach = np.maximum(0.0, 12.0 - folded.x)
    radius = float(rng.uniform(7.0, 10.0)) - 3.5 * along
    return np.sqrt((folded.y - y) ** 2 + (folded.z - z) ** 2 + reach**2) - radius


def paint_head(rng: np.random.Generator, frame: Frame, cavity: Cavity) -> np.ndarray:
    """Label volume of all that lies outside the cavity; inside, it is `Label.CSF`."""
    out = -cavity.depth_mm
    base = np.clip((-6.0 - frame.z) / 14.0, 0.0, 1.0)
    thick = float(rng.uniform(3.5, 6.5)) + 1.2 * frame.noise(rng, 45.0) + 3.5 * base
    thick = np.maximum(thick, 1.8)
    scalp = float(rng.uniform(4.0, 8.0)) + 1.5 * frame.noise(rng, 40.0)
    scalp = np.maximum(scalp, 2.5) + 7.0 * np.clip((np.abs(frame.x) - 38.0) / 20.0, 0.0, 1.0) * (frame.z < 32.0)
    labels = np.full(frame.x.shape, Label.AIR, np.uint8)
    _paint_face(rng, frame, labels)
    shell = (out > 0.0) & (out <= thick + scalp)
    _paint_scalp(rng, frame, labels, (shell, out - thick, scalp))
    skull = (out > 0.0) & (out <= thick)
    labels[skull] = Label.BONE
    table = float(rng.uniform(1.2, 2.0))
    labels[skull & (out > table) & (out < thick - table)] = Label.DIPLOE
    _paint_base(rng, frame, labels, out)
    labels[cavity.inside] = Label.CSF
    return labels


def _paint_scalp(
    rng: np.random.Generator, frame: Frame, labels: np.ndarray, layers: tuple[Region, Volume, Volume]
) -> None:
    shell, above, scalp = layers
    labels[shell] = Label.FAT
    lean = frame.noise(rng, 14.0) + 2.5 * (np.clip((np.abs(frame.x) - 45.0) / 12.0, 0.0, 1.0) * (frame.z < 30.0)) - 0.8
    labels[shell & (lean > 0.0) & (above < 0.75 * scalp)] = Label.MUSCLE
    labels[shell & (above < 1.2)] = Label.MUSCLE  # galea and periosteum
    labels[shell & (above > scalp - 2.0)] = Label.SKIN


def _paint_face(rng: np.random.Generator, frame: Frame, labels: np.ndarray) -> None:
    outlines = [
        frame.ellipsoid((0.0, 34.0, -52.0), (62.0, 58.0, 62.0)),
        frame.ellipsoid((0.0, -28.0, -75.0), (58.0, 56.0, 70.0)),
    ]
    outline = np.minimum.reduce(outlines) * 55.0
    inside = outline < 0.0
    patches = frame.noise(rng, 16.0)
    labels[inside] = np.where(patches[inside] > -0.35, Label.MUSCLE, Label.FAT)
    labels[inside & (np.abs(frame.noise(rng, 18.0)) < 0.16) & (frame.y > 10.0)] = Label.BONE
    labels[inside & (frame.ellipsoid((0.0, -24.0, -70.0), (26.0, 24.0, 60.0)) < 0.0)] = Label.BONE
    labels[inside & (outline > -4.0)] = Label.FAT
    labels[inside & (outline > -2.0)] = Label.SKIN


def _paint_base(rng: np.random.Generator, frame: Frame, labels: np.ndarray, out: Volume) -> None:
    """Air cells, orbits and the mass of bone beside the ears."""
    folded, cells = frame.folded, frame.noise(rng, 8.0)
    ears = (out > 0.0) & (folded.ellipsoid((52.0, -22.0, -26.0), (20.0, 24.0, 20.0)) < 0.0) & (out < 18.0)
    labels[ears] = Label.BONE
    labels[ears & (cells > float(rng.uniform(0.1, 1.0))) & (out > 2.0)] = Label.CAVE
    petrous = (out > 0.0) & (out < 14.0) & (folded.ellipsoid((32.0, -8.0, -24.0), (28.0, 14.0, 10.0)) < 0.0)
    labels[petrous] = Label.BONE
    labels[petrous & (cells < -1.7)] = Label.CAVE
    _paint_orbits(frame, labels, out)
    caves = [
        folded.ellipsoid((0.0, 58.0, -30.0), (13.0, 20.0, 14.0)),
        folded.ellipsoid((0.0, 26.0, -26.0), (14.0, 11.0, 10.0)),
        folded.ellipsoid((27.0, 56.0, -58.0), (15.0, 17.0, 18.0)),
        folded.ellipsoid((12.0, 80.0, float(rng.uniform(-14.0, -2.0))), (float(rng.uniform(6.0, 22.0)), 8.0, 14.0)),
    ]
    level = np.minimum.reduce(caves) * 14.0 + 2.0 * cells
    labels[(out > 1.5) & (level < 1.5) & (labels != Label.AIR)] = Label.BONE
    labels[(out > 1.5) & (level < 0.0) & (labels != Label.AIR)] = Label.CAVE


def _paint_orbits(frame: Frame, labels: np.ndarray, out: Volume) -> None:
    folded, here = frame.folded, (out > 1.5) & (labels != Label.AIR)
    socket = folded.ellipsoid((32.0, 58.0, -24.0), (18.0, 27.0, 17.0)) * 18.0
    labels[here & (socket < 2.5)] = Label.BONE
    labels[here & (socket < 0.0)] = Label.FAT
    ring = folded.ellipsoid((32.0, 48.0, -24.0), (11.0, 30.0, 10.0)) * 11.0
    labels[here & (np.abs(ring) < 1.6) & (socket < 0.0) & (folded.y < 66.0)] = Label.MUSCLE
    nerve = np.hypot(folded.x - 12.0 - 0.45 * (folded.y - 26.0), folded.z + 23.0)
    labels[here & (nerve < 2.3) & (folded.y > 26.0) & (socket < 0.0)] = Label.MUSCLE
    globe = folded.ellipsoid((32.0, 69.0, -24.0), (12.5, 12.5, 12.5)) * 12.5
    labels[(out > 1.5) & (globe < 0.0)] = Label.MUSCLE
    labels[(out > 1.5) & (globe < -1.5)] = Label.GLOBE

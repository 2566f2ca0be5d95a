"""A second way from a seed to a head CT, built to judge models that were trained on the first.

What a model has learnt of the quirks of `make_phantom` does not help it here. No line is shared: a
head is a volume of labels, painted from ellipsoids and thresholded noise in the manner of SynthSeg
(Billot et al. 2023); blood grows from a point as a random front (`growth`); the image is measured
along rays of several energies and reconstructed (`projection`), so that hardening, noise and streaks
come from the same physics as in a scanner.

Not modelled: mass effect, sedimentation in more than two layers, surgery, metal, gantry tilt (heads
are turned instead), children.
"""

import numpy as np
from scipy import ndimage

from ichnos.phantoms.grown.bleeds import GrownBleed, GrownHead, draw_grown_bleeds
from ichnos.phantoms.grown.brain import paint_brain
from ichnos.phantoms.grown.frame import Frame, Region, Volume, make_frame
from ichnos.phantoms.grown.labels import Label, draw_densities
from ichnos.phantoms.grown.projection import draw_beam, scan_slices
from ichnos.phantoms.grown.settings import GrownSettings
from ichnos.phantoms.grown.skull import draw_cavity, paint_head
from ichnos.phantoms.phantom import Phantom
from ichnos.scans.geometry import Geometry
from ichnos.scans.scan import AIR_HU, Scan

TOP_MM = 80.0
"""About where the vertex lies above the floor of the anterior fossa."""


def make_grown_phantom(seed: int, settings: GrownSettings = GrownSettings()) -> Phantom:  # noqa: B008 - frozen
    """Grow the phantom of a seed; the same seed and settings give the same bits.

    Anatomy, bleeds, densities and scanner have random streams of their own: with `bleed_probability` 0
    the same seed gives the same head under the same scanner.
    """
    streams = np.random.SeedSequence(seed).spawn(5)
    pose, anatomy, bleeding, densities, scanning = (np.random.default_rng(stream) for stream in streams)
    frame, geometry = _draw_pose(pose, settings)
    cavity = draw_cavity(anatomy, frame)
    labels = paint_head(anatomy, frame, cavity)
    paint_brain(anatomy, frame, cavity, labels)
    bleeds = draw_grown_bleeds(bleeding, GrownHead(frame, cavity, labels), settings)
    planes_hu = _fill(densities, frame, labels, bleeds)
    voxels_hu = _average(planes_hu, settings.planes)
    outside = _outside_circle(settings.size)
    voxels_hu[:, outside] = -1000.0
    pixel_mm = frame.spacing_mm[1]
    voxels_hu = scan_slices(voxels_hu, pixel_mm, draw_beam(scanning, settings.angles), settings.angles, scanning)
    voxels_hu = np.clip(np.rint(voxels_hu), AIR_HU, 3071.0)
    voxels_hu[:, outside] = AIR_HU
    masks = {bleed.subtype: _average(bleed.region.astype(np.float32), settings.planes) > 0.5 for bleed in bleeds}
    return Phantom(
        scan=Scan(voxels_hu=voxels_hu, geometry=geometry),
        bleed_masks={name: mask for name, mask in sorted(masks.items()) if mask.any()},
        brain_mask=_average(cavity.inside.astype(np.float32), settings.planes) > 0.5,
        seed=seed,
    )


def _draw_pose(rng: np.random.Generator, settings: GrownSettings) -> tuple[Frame, Geometry]:
    pixel_mm = float(rng.uniform(*settings.field_of_view_mm)) / settings.size
    gap_mm = float(rng.uniform(*settings.gap_mm))
    step_mm = gap_mm / settings.planes
    height_mm = gap_mm * settings.slices
    lowest_mm = (
        TOP_MM + float(rng.uniform(-8.0, 6.0)) - height_mm if height_mm > 60.0 else float(rng.uniform(-5.0, 30.0))
    )
    shape = (settings.slices * settings.planes, settings.size, settings.size)
    frame = make_frame(shape, (step_mm, pixel_mm, pixel_mm), lowest_mm)
    pitch, roll, yaw = np.radians(rng.uniform((-22.0, -6.0, -8.0), (12.0, 6.0, 8.0)))
    turn = _turn(0, pitch) @ _turn(1, roll) @ _turn(2, yaw)
    steps = np.diag([gap_mm, -pixel_mm, -pixel_mm])
    affine = np.eye(4)
    affine[:3, :3] = steps[::-1]  # slices along z, rows along -y, columns along -x
    affine[:3, 3] = frame.x[0, 0, 0], frame.y[0, 0, 0], lowest_mm + step_mm * (settings.planes - 1) / 2
    geometry = Geometry.from_affine(affine, (settings.slices, settings.size, settings.size))
    shift_mm = rng.normal((0.0, -2.0, 0.0), (3.0, 4.0, 2.0))
    return frame.turned(turn, shift_mm).bent(rng, 70.0, float(rng.uniform(0.5, 3.0))), geometry


def _turn(axis: int, angle: float) -> np.ndarray:
    first, second = [i for i in range(3) if i != axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


def _fill(rng: np.random.Generator, frame: Frame, labels: np.ndarray, bleeds: tuple[GrownBleed, ...]) -> Volume:
    """Densities of labels with a texture of their own, an infarct in some, then blood with its oedema."""
    hu = draw_densities(rng)[labels]
    soft = (hu > -200.0) & (hu < 200.0)
    hu += soft * float(rng.uniform(0.5, 2.2)) * frame.noise(rng, float(rng.uniform(5.0, 12.0)))
    hu = np.where((labels == Label.AIR) & _holder(rng, frame), np.float32(rng.uniform(-400.0, 250.0)), hu)
    bony = np.isin(labels, (Label.BONE, Label.DIPLOE))
    hu += bony * np.float32(120.0) * frame.noise(rng, 7.0)
    matter = np.isin(labels, (Label.GREY, Label.WHITE, Label.DEEP))
    if rng.random() < 0.25:  # a stroke: one side, its edge random
        centre = (float(rng.choice((-1.0, 1.0)) * rng.uniform(25.0, 50.0)), float(rng.uniform(-60.0, 40.0)), 15.0)
        level = frame.ellipsoid(centre, (22.0, 30.0, 24.0)) + 0.25 * frame.noise(rng, 14.0)
        hu -= matter * (level < 0.0) * float(rng.uniform(4.0, 16.0))
    for bleed in bleeds:
        if bleed.subtype == "intraparenchymal":
            reach = [float(rng.uniform(2.0, 6.0)) / step for step in frame.spacing_mm]
            halo = ndimage.gaussian_filter(bleed.region.astype(np.float32), reach, truncate=2.5)
            hu -= matter * np.minimum(2.0 * halo, 1.0) * float(rng.uniform(0.0, 13.0))
        hu = np.where(bleed.region, bleed.hu, hu)
    return np.asarray(hu, dtype=np.float32)


def _holder(rng: np.random.Generator, frame: Frame) -> Region:
    """The shell in which the head rests, open to the front."""
    radius = np.hypot(frame.x, frame.y - np.float32(10.0)) - np.float32(rng.uniform(100.0, 116.0))
    return np.asarray((np.abs(radius) < rng.uniform(0.8, 2.0)) & (frame.y < rng.uniform(-60.0, 20.0)))


def _average(planes: Volume, count: int) -> np.ndarray:
    return np.ascontiguousarray(planes.reshape(-1, count, *planes.shape[1:]).mean(axis=1, dtype=np.float32))


def _outside_circle(size: int) -> np.ndarray:
    place = np.arange(size) - (size - 1) / 2
    return np.asarray(np.hypot(place[:, None], place[None, :]) > size / 2 - 1)

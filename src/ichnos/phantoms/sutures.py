"""Skull sutures: where the bones of the vault meet."""

from dataclasses import dataclass

import numpy as np

from ichnos.phantoms.fields import Field, Noise, Points, step


@dataclass(frozen=True)
class Sutures:
    """One head's coronal, sagittal and lambdoid sutures.

    Attributes:
        bregma_mm: how far to the front the coronal suture meets the midline, 75 mm up.
        coronal_slope: how much it moves to the front per mm down.
        lambda_mm: height at which the lambdoid suture meets the midline.
        lambdoid_slope: how much it falls per mm to the side.
        half_mm: half-widths of coronal, sagittal and lambdoid; near 0 where nearly fused.
        wander, wiggle: moves the lines, 20 and 8 mm wide.
    """

    bregma_mm: float
    coronal_slope: float
    lambda_mm: float
    lambdoid_slope: float
    half_mm: tuple[float, float, float]
    wander: Noise
    wiggle: Noise


def draw_sutures(rng: np.random.Generator) -> Sutures:
    """Draw a head's sutures: in the old they fuse, one more than the other."""
    fused = 0.75 * float(rng.uniform()) ** 2
    coronal, sagittal, lambdoid = (float(v) * (1.0 - fused) for v in rng.uniform(0.75, 1.15, 3))
    return Sutures(
        bregma_mm=float(rng.normal(16.0, 4.0)),
        coronal_slope=float(rng.uniform(0.18, 0.32)),
        lambda_mm=float(rng.normal(38.0, 4.0)),
        lambdoid_slope=float(rng.uniform(1.0, 1.35)),
        half_mm=(coronal, sagittal, lambdoid),
        wander=Noise.draw(rng, 20.0, 16),
        wiggle=Noise.draw(rng, 8.0, 32),
    )


def suture_fields(sutures: Sutures, points: Points) -> dict[str, Field]:
    """Fields of the sutures; they mean something in the bone of the vault and right under it.

    Returns:
        seam: signed distance to coronal and lambdoid suture, above 0 between them;
        seam_mm: half-width of the nearer one, 0 below the vault;
        sagittal_seam: signed distance to the sagittal suture;
        sagittal_seam_mm: its half-width, 0 in front of the coronal and behind the lambdoid one.
    """
    x, y, z = points
    wander, wiggle = sutures.wander.at(points), sutures.wiggle.at(points)
    bent = 1.2 * wander + 0.9 * wiggle
    steep, fall = np.float32(sutures.coronal_slope), np.float32(sutures.lambdoid_slope)
    coronal = (np.float32(sutures.bregma_mm) + steep * (75.0 - z) - y) / np.hypot(1.0, steep) + bent
    lambdoid = (z - np.float32(sutures.lambda_mm) + fall * np.abs(x)) / np.hypot(1.0, fall) + bent
    lambdoid = np.maximum(lambdoid, y + 40.0)
    front, middle, back = (np.float32(half) * (1.0 + 0.25 * wander) for half in sutures.half_mm)
    seam = np.minimum(coronal, lambdoid)
    ends = np.where(coronal < lambdoid, front * step(z + 8.0, 5.0), back * step(z + 32.0, 5.0))
    return {
        "seam": seam,
        "seam_mm": ends,
        "sagittal_seam": x + 0.8 * wander - 0.9 * wiggle,
        "sagittal_seam_mm": middle * step(seam - 1.0, 3.0) * step(z - 20.0, 10.0),
    }

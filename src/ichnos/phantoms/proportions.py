"""Proportions of heads and brains beyond the ranges of the first version.

Each function takes what was drawn before and returns it changed, so that the draws of the first
version stay as they were.
"""

from dataclasses import replace

import numpy as np

from ichnos.phantoms.brain import Brain
from ichnos.phantoms.head import Head
from ichnos.phantoms.tissue import Radiodensity


def widen_head(head: Head, rng: np.random.Generator) -> Head:
    """Long and broad, small and large heads; skulls of 3 to 14 mm, even and uneven; bone inside the forehead."""
    size, shape = float(rng.uniform(0.91, 1.06)), float(rng.uniform(-0.09, 0.09))
    skull_mm = float(np.exp(rng.uniform(np.log(3.0), np.log(14.0))))
    return replace(
        head,
        half_width_mm=head.half_width_mm * size * (1.0 + shape),
        front_mm=head.front_mm * size * (1.0 - 0.7 * shape),
        back_mm=head.back_mm * size * (1.0 - 0.7 * shape),
        top_mm=head.top_mm * size * float(rng.uniform(0.96, 1.03)),
        squareness=float(rng.uniform(1.95, 2.8)),
        lean=head.lean + float(rng.normal(0.0, 3.0)),
        skull_mm=skull_mm,
        sinus_mm=float(rng.uniform(-4.0, 5.0)),
        uneven=float(rng.uniform(0.03, 0.18)),
        hyperostosis_mm=float(rng.uniform(2.0, 9.0)) * float(rng.random() < 0.25),
    )


def widen_scalp(head: Head, rng: np.random.Generator) -> Head:
    """Scalps of 2 to 13 mm."""
    return replace(head, scalp_mm=float(np.exp(rng.uniform(np.log(2.0), np.log(13.0)))))


def widen_brain(brain: Brain, rng: np.random.Generator) -> Brain:
    """From tight young brains to very atrophic ones; ventricles that go their own way; tentoria high and low."""
    atrophy = float(rng.choice((rng.uniform(0.0, 0.15), rng.uniform(0.2, 0.8), rng.uniform(0.8, 1.35))))
    ventricles = (0.65 + 0.75 * atrophy) * float(np.exp(rng.normal(0.0, 0.22)))
    return replace(
        brain,
        atrophy=atrophy,
        ventricle_scale=float(np.clip(ventricles, 0.45, 2.4)),
        ventricle_skew=float(rng.normal(0.0, 0.35)),
        tentorium_mm=float(rng.uniform(-17.0, 2.0)),
    )


def widen_densities(hu: Radiodensity, rng: np.random.Generator) -> Radiodensity:
    """Fluid up to 16 HU, brain from pale to dense, grey and white matter from alike to far apart."""
    white = hu.white + float(rng.normal(0.0, 2.0))
    return replace(
        hu,
        white=white,
        grey=white + float(rng.uniform(2.0, 12.0)),
        cerebrospinal=float(rng.uniform(0.0, 16.0)),
        ageing=float(rng.uniform(0.0, 12.0)),
    )


def widen_soft_tissue(hu: Radiodensity, rng: np.random.Generator) -> Radiodensity:
    """Muscle of 30 to 75 HU, fat of -115 to -55 HU, thick and thin skin."""
    return replace(
        hu,
        muscle=float(rng.uniform(30.0, 75.0)),
        fat=float(rng.uniform(-115.0, -55.0)),
        skin=float(rng.uniform(10.0, 80.0)),
    )

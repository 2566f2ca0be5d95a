"""What makes phantoms wider than the first version: features that can be switched one by one.

A feature is present in a scan by chance, of odds that the settings name. Each draws from a random
stream of its own, which depends on the seed and its name alone: switching one feature leaves the
others, and all else that is drawn, as they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np

FEATURES: dict[str, str] = {
    # anatomy
    "template": "tissue layout and inner table of the MNI152 brain, bent and cut anew for each subject",
    "head-shape": "long, broad, small and large heads; thin, thick and uneven skulls; bone inside the forehead",
    "brain-shape": "tight to very atrophic brains, uneven ventricles, high and low tentoria, tissue of unusual density",
    "cysts": "large cisterna magna, arachnoid cyst, cavum septi, wide subdural spaces",
    "dura": "thick, dense and calcified falx and tentorium",
    "arteries": "dense arteries at the base, and the pituitary",
    "veins": "large and dense venous sinuses and deep veins",
    "scalp": "thick and thin scalps, patchy muscle, pale fat",
    "rim": "uneven rise of density under a blurred inner table",
    "slab": "sloping bone averaged over the slice, at vertex and base",
    "hardening": "dark bands and bright cupping between the petrous bones",
    # pathology
    # look-alikes
    # scanner
}
"""Name of each feature, and what it adds, in words for tables and contact sheets."""

WIDE: dict[str, float] = {
    # anatomy
    "template": 0.5,
    "head-shape": 0.6,
    "brain-shape": 0.6,
    "cysts": 0.12,
    "dura": 0.4,
    "arteries": 0.4,
    "veins": 0.5,
    "scalp": 0.5,
    "rim": 0.6,
    "slab": 0.6,
    "hardening": 0.4,
    # pathology
    # look-alikes
    # scanner
}
"""Odds of each feature in the wide world that the bundled models are trained on."""


@dataclass(frozen=True)
class Features:
    """The features of one scan.

    Attributes:
        seed: of the scan.
        present: names of the features that this scan has.
    """

    seed: int
    present: frozenset[str]

    def __contains__(self, name: object) -> bool:
        assert name in FEATURES, name
        return name in self.present

    def stream(self, name: str) -> np.random.Generator:
        """Randomness of a feature; the same at each call."""
        assert name in FEATURES, name
        return _stream(self.seed, f"{name}: details")


def draw_features(seed: int, odds: Mapping[str, float]) -> Features:
    """Draw which features a scan has.

    Args:
        seed: of the scan.
        odds: probability of each feature; those that are not named are absent.
    """
    present = (name for name, share in odds.items() if _stream(seed, name).random() < share)
    return Features(seed, frozenset(present))


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng((seed, crc32(name.encode())))

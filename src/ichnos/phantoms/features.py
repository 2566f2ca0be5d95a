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
    "any-size": "parenchymal bleeds from 0.1 to 150 mL: lobed, several, with satellites, contusions, petechiae",
    "any-age": "blood from hyperacute to subacute, mixed, anaemic, and fresh in an old subdural collection",
    "fluid-levels": "red cells that sank to a level",
    "oedema": "dark white matter around parenchymal bleeds, uneven and of any width",
    "mass-effect": "bleeds that push the brain aside: shifted midline, squeezed ventricles and sulci",
    "cast-ventricles": "ventricles cast, layered or partly filled with blood, and dilated",
    "wide-sah": "subarachnoid blood of every spread, thick to faint",
    "thin-sdh": "subdural layers from 2 to 25 mm, on both sides, at falx, tentorium and posterior fossa",
    "wide-edh": "epidural lenses of every size, at the vertex and in the posterior fossa too",
    "together": "bleeds that come together as in trauma, high pressure, amyloid and aneurysm",
    # look-alikes
    "scalp-haematoma": "swollen scalps and orbits, filled sinuses and mastoids, air and metal under the skin, a tube",
    "calcified": "calcium from 60 to 800 HU in plexus, pineal, falx, basal ganglia, arteries, old lesions",
    "operated": "burr holes, craniotomies, missing bone, air, drains, clips, patches, fluid",
    "tumour": "masses of 35 to 55 HU in the brain or beside the dura, with dark oedema",
    "infarct": "fresh and old infarcts, dark white matter of small vessel disease",
    "fractures": "cracks of vault and base, pieces driven in, air",
    "pseudo-sah": "dark swollen brains, whose falx, tentorium and cisterns look dense",
    # scanner
    "kernel": "soft to sharp kernels, noise of 1 to 15 HU of many textures, denoising",
    "shifted-hu": "calibration off by up to 8 HU and 5 %",
    "wide-geometry": "thin and thick slices, gaps, tilted, turned and off-centre heads, zoom, partial coverage",
    "bright-bone-streaks": "streaks and bars of bone and metal, cupping, capping, rings",
    "motion": "ghosts and doubled skulls over a run of slices",
    "table": "table, head-holder, blanket, wires and tubes around the head",
    "defaced": "faces blurred, cut off or blackened",
    "padding": "values outside the circle of reconstruction",
    "exported": "pictures of 8 bits: HU clipped to 0..255, resized, compressed",
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
    "any-size": 0.85,
    "any-age": 0.75,
    "fluid-levels": 0.2,
    "oedema": 0.7,
    "mass-effect": 0.85,
    "cast-ventricles": 0.8,
    "wide-sah": 0.8,
    "thin-sdh": 0.8,
    "wide-edh": 0.7,
    "together": 0.75,
    # look-alikes
    "scalp-haematoma": 0.35,
    "calcified": 0.35,
    "operated": 0.2,
    "tumour": 0.12,
    "infarct": 0.25,
    "fractures": 0.2,
    "pseudo-sah": 0.06,
    # scanner
    "kernel": 0.5,
    "shifted-hu": 0.12,
    "wide-geometry": 0.4,
    "bright-bone-streaks": 0.15,
    "motion": 0.08,
    "table": 0.4,
    "defaced": 0.12,
    "padding": 0.2,
    "exported": 0.2,
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

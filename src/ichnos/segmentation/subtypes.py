"""Which of the five subtypes each bleed voxel belongs to, where a network says it.

A subtype is a matter of the compartment that a bleed lies in, so one connected bleed has few of them. A small
piece gets one subtype, that of the highest mean probability. In a larger one each voxel gets that of its own
highest probability, and subtypes that would take hardly any of the piece are left to the others. Both limits
are ours.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy import ndimage

from ichnos.models.outputs import KNOWN_LABELS
from ichnos.preprocessing.grid import ModelGrid
from ichnos.scans.geometry import Geometry

SUBTYPES = KNOWN_LABELS[6][:-1]
"""The five subtypes; in a map of subtypes the first is 1, the last 5, and 0 is no bleed."""

WHOLE_ML = 1.0
"""A connected piece below this has one subtype."""

LEAST_SHARE = 0.1
"""Of a connected piece: a subtype that would have less of it has none."""


@dataclass(frozen=True)
class SubtypeEvidence:
    """What a network said of subtypes, on the model grid; brought to the scan only where a bleed is.

    Attributes:
        probabilities: of `SUBTYPES`.
        grid: between the network's pixels and those of the scan.
    """

    probabilities: Float[np.ndarray, "slices 5 rows columns"]
    grid: ModelGrid

    def at(self, bleed: Bool[np.ndarray, "slices rows columns"]) -> Float[np.ndarray, "5 voxels"]:
        """Probabilities of each voxel of a bleed, in the order of `np.nonzero`."""
        parts = [np.zeros((len(SUBTYPES), 0), np.float32)]
        for z in np.flatnonzero(bleed.any(axis=(1, 2))):
            parts.append(self.grid.to_scan(self.probabilities[z])[:, bleed[z]].astype(np.float32))
        return np.concatenate(parts, axis=1)


def assign_subtypes(
    bleed: Bool[np.ndarray, "slices rows columns"],
    probabilities: Float[np.ndarray, "5 voxels"],
    geometry: Geometry,
) -> UInt8[np.ndarray, "slices rows columns"]:
    """A map of subtypes: 0 outside the bleed, 1 to 5 inside.

    Args:
        bleed: what to divide.
        probabilities: of each of its voxels, in the order of `np.nonzero`.
        geometry: of the grid.
    """
    pieces, count = ndimage.label(bleed)
    of_voxel = pieces[bleed]
    voxel_ml = geometry.voxel_volumes_ml[np.nonzero(bleed)[0]]
    kept = _keep(probabilities, of_voxel, voxel_ml, count)
    chosen = np.where(kept[:, of_voxel], probabilities, -1.0).argmax(axis=0)
    divided = np.zeros(bleed.shape, np.uint8)
    divided[bleed] = chosen + 1
    return divided


def measure_subtypes(divided: UInt8[np.ndarray, "slices rows columns"], geometry: Geometry) -> dict[str, float]:
    """Millilitres of each subtype."""
    return {name: geometry.volume_ml(divided == number) for number, name in enumerate(SUBTYPES, start=1)}


def _keep(
    probabilities: Float[np.ndarray, "5 voxels"],
    of_voxel: Int[np.ndarray, " voxels"],
    voxel_ml: Float[np.ndarray, " voxels"],
    count: int,
) -> Bool[np.ndarray, "5 pieces"]:
    """Which subtypes each piece may have, the background being piece 0: at least one."""

    def sum_by_piece(weights: Float[np.ndarray, " _"]) -> Float[np.ndarray, " pieces"]:
        return np.bincount(of_voxel, weights=weights, minlength=count + 1).astype(np.float64)

    total_ml = sum_by_piece(voxel_ml)
    highest = probabilities.argmax(axis=0)
    own_ml = np.stack([sum_by_piece(voxel_ml * (highest == number)) for number in range(len(SUBTYPES))])
    mean = np.stack([sum_by_piece(voxel_ml * each) for each in probabilities])
    best = mean.argmax(axis=0) == np.arange(len(SUBTYPES))[:, None]
    return np.where(total_ml < WHOLE_ML, best, own_ml >= LEAST_SHARE * total_ml)

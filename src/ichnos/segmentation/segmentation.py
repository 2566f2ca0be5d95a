"""The result for one scan, and how evidence becomes it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy import ndimage

from ichnos.metrics.binarise import binarise
from ichnos.scans.geometry import USUAL_SLICE_MM, Geometry
from ichnos.scans.scan import Mask, Scan
from ichnos.segmentation.evidence import Evidence
from ichnos.segmentation.settings import SegmentationSettings
from ichnos.segmentation.subtypes import assign_subtypes, measure_subtypes


@dataclass(frozen=True)
class Segmentation:
    """What was found in one scan.

    Attributes:
        scan: what was looked at.
        bleed_mask: on the scan's own grid; may be empty.
        brain_mask: the intracranial cavity that bounded it.
        map: in [0, 1] on the scan's grid, before the threshold.
        slice_probabilities: P(bleed) per slice, feet to head.
        flags: what to look at before the result is used; empty if nothing.
        provenance: model, its weights' sha256 and training data, settings.
        subtypes: 0 outside the bleed, else the place, counted from 1, of the voxel's subtype in
            `subtypes.SUBTYPES`; None where the model does not tell subtypes.
    """

    scan: Scan
    bleed_mask: Mask
    brain_mask: Mask
    map: Float[np.ndarray, "slices rows columns"]
    slice_probabilities: Float[np.ndarray, " slices"]
    flags: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    subtypes: UInt8[np.ndarray, "slices rows columns"] | None = None

    @property
    def volume_ml(self) -> float:
        """Volume of the bleed in millilitres."""
        return self.bleed_mask.volume_ml

    @property
    def subtype_volumes_ml(self) -> dict[str, float]:
        """Volume of each of the five subtypes in millilitres; empty where the model does not tell subtypes."""
        return {} if self.subtypes is None else measure_subtypes(self.subtypes, self.scan.geometry)

    @property
    def probability(self) -> float:
        """P(bleed) of the most suspicious slice."""
        return float(self.slice_probabilities.max())


def decide(evidence: Evidence, settings: SegmentationSettings, provenance: dict[str, Any]) -> Segmentation:
    """Apply gate, threshold and cleanup.

    A threshold that a map gives itself (`otsu`, `k-means`) is found in each slice among the voxels that may be
    bleed: maps of classifiers are normalised slice by slice.
    """
    gated = evidence.slice_probabilities >= settings.probability_gate
    threshold = settings.map_threshold if settings.binarisation == "fixed" else settings.binarisation
    voxels = np.zeros_like(evidence.allowed)
    for z in np.flatnonzero(gated):
        voxels[z] = binarise(evidence.map[z], evidence.allowed[z], threshold)
    voxels = remove_small_pieces(voxels, evidence.scan.geometry, settings.minimum_ml)
    bleed_mask = Mask(voxels, evidence.scan.geometry, evidence.scan.source)
    flags = list(evidence.scan.warnings) + list(evidence.brain_mask.doubts) + list(evidence.doubts)
    if bleed_mask.touches_edge:
        flags.append("the bleed mask touches the edge of the scan; its volume may be cut off")
    return Segmentation(
        scan=evidence.scan,
        bleed_mask=bleed_mask,
        brain_mask=evidence.brain_mask.mask,
        map=evidence.map,
        slice_probabilities=evidence.slice_probabilities,
        flags=tuple(flags),
        provenance=provenance,
        subtypes=_divide(voxels, evidence),
    )


def _divide(
    bleed: Bool[np.ndarray, "slices rows columns"], evidence: Evidence
) -> UInt8[np.ndarray, "slices rows columns"] | None:
    if evidence.subtypes is None:
        return None
    return assign_subtypes(bleed, evidence.subtypes.at(bleed), evidence.scan.geometry)


def remove_small_pieces(
    voxels: Bool[np.ndarray, "slices rows columns"], geometry: Geometry, minimum_ml: float
) -> Bool[np.ndarray, "slices rows columns"]:
    """Drop connected pieces (touching by faces) that measure less than `minimum_ml`.

    A slice without neighbours is taken to be `USUAL_SLICE_MM` thick if it says less: bleeds go on beyond it, and
    pictures often state no thickness.
    """
    if minimum_ml <= 0.0 or not voxels.any():
        return voxels
    labels, count = ndimage.label(voxels)
    z = np.nonzero(voxels)[0]
    thicker = max(1.0, USUAL_SLICE_MM / geometry.slice_extents_mm[0]) if len(voxels) == 1 else 1.0
    volumes_ml = np.bincount(labels[voxels], weights=thicker * geometry.voxel_volumes_ml[z], minlength=count + 1)
    keep = volumes_ml >= minimum_ml
    keep[0] = False
    return np.asarray(keep[labels])

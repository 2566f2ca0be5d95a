"""Raw scores of one case: counts, millilitres and millimetres, so that every table can be made from them later."""

from typing import Annotated

import numpy as np
from jaxtyping import Bool
from pydantic import BaseModel, ConfigDict, Field

from ichnos.cohorts.case import LabelledScan
from ichnos.cohorts.slice_store import LABELS, UNKNOWN
from ichnos.evaluation.predictions import Prediction
from ichnos.metrics.lesions import label_lesions, match_lesions
from ichnos.metrics.overlap import Overlap, count_overlap_by_slice
from ichnos.metrics.surface import SurfaceDistances, VoxelPlaces, measure_surfaces

GRIDS = {"native": None, "256": 256, "384": 384}
"""Grids on which voxels are counted: the scan's own, and the whole slice stretched to a square of so many pixels,
on which the papers took Dice (second paper: 256; first: 384)."""

SURFACE_TOLERANCE_MM = 2.0
"""Of the normalised surface Dice; less than half a thick slice."""

LESION_MATCHING = "any-overlap"

Count = Annotated[int, Field(ge=0)]


class Counts(BaseModel):
    """True positive, false positive and false negative voxels or lesions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tp: Count
    fp: Count
    fn: Count

    @classmethod
    def of(cls, overlap: Overlap) -> "Counts":
        """The same as plain values."""
        return cls(tp=overlap.true_positive, fp=overlap.false_positive, fn=overlap.false_negative)

    @property
    def overlap(self) -> Overlap:
        """The same with its measures."""
        return Overlap(self.tp, self.fp, self.fn)


class SliceScore(BaseModel):
    """One slice.

    Attributes:
        z: from 0 at the feet.
        label: whether it bleeds, by the collection's slice labels, else by its masks; None where neither tells.
        probability: predicted P(bleed); None where only a mask was predicted.
        detected: whether it was called bleeding; None where only a mask was predicted.
        counts: pixels by name of a grid in `GRIDS`; where nobody drew, all that was predicted is FP.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    z: int
    label: bool | None
    probability: float | None
    detected: bool | None
    counts: dict[str, Counts]


class CaseScore(BaseModel):
    """One scan.

    Attributes:
        case: its id.
        patient: whose it is.
        subtypes: labelled subtypes of bleed.
        has_masks: whether a mask was drawn and one predicted. Where not, only slices and `bleeds` mean anything:
            the case enters detection, and no figure of masks.
        bleeds: whether the scan bleeds, by its slices, else by the collection's label of the scan; None where
            neither tells.
        label_ml: labelled volume.
        predicted_ml: predicted volume.
        diagonal_mm: of the scan: what a surface that is not there is taken to be away.
        hd95_mm: 95th percentile Hausdorff distance; None unless both masks are filled.
        assd_mm: average symmetric surface distance; None unless both masks are filled.
        surface_voxels: of both surfaces together.
        surface_close: those within `SURFACE_TOLERANCE_MM` of the other surface.
        lesions: found, invented and missed lesions; they match if they share a voxel.
        slices: feet to head.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    case: str
    patient: str
    subtypes: tuple[str, ...]
    has_masks: bool
    bleeds: bool | None
    label_ml: float
    predicted_ml: float
    diagonal_mm: float
    hd95_mm: float | None
    assd_mm: float | None
    surface_voxels: Count
    surface_close: Count
    lesions: Counts
    slices: tuple[SliceScore, ...]

    def overlap(self, grid: str) -> Overlap:
        """Counts of the volume: the sum over its slices."""
        return sum((one.counts[grid].overlap for one in self.slices), Overlap(0, 0, 0))


def score_case(labelled: LabelledScan, prediction: Prediction) -> CaseScore:
    """Compare a prediction with what was drawn; both lie on the scan's grid.

    Where nobody drew a mask, or none was predicted, only answers are compared with labels.
    """
    has_masks = labelled.bleed_masks is not None and prediction.bleed_mask is not None
    geometry, label = labelled.scan.geometry, unite(labelled)
    predicted = np.zeros_like(label) if prediction.bleed_mask is None else prediction.bleed_mask
    places = VoxelPlaces(geometry.origins_mm, geometry.row_steps_mm, geometry.column_steps_mm)
    surfaces = measure_surfaces(predicted, label, places)
    lesions = match_lesions(label_lesions(predicted), label_lesions(label), LESION_MATCHING)
    told = np.asarray((labelled.slice_labels[:, 1:] == 1).any(axis=0))
    slices = _score_slices(labelled, label, predicted, prediction)
    drawn = {name for name, voxels in (labelled.bleed_masks or {}).items() if voxels.any()}
    return CaseScore(
        case=labelled.case.case,
        patient=labelled.case.patient,
        subtypes=tuple(name for name, yes in zip(LABELS[1:], told, strict=True) if yes or name in drawn),
        has_masks=has_masks,
        bleeds=_bleeds(labelled, slices),
        label_ml=geometry.volume_ml(label),
        predicted_ml=geometry.volume_ml(predicted),
        diagonal_mm=_diagonal_mm(places, geometry.shape),
        **_measure(surfaces),
        surface_voxels=len(surfaces.from_predicted_mm) + len(surfaces.from_label_mm),
        surface_close=surfaces.count_close(SURFACE_TOLERANCE_MM),
        lesions=Counts.of(lesions.counts),
        slices=slices,
    )


def unite(labelled: LabelledScan) -> Bool[np.ndarray, "slices rows columns"]:
    """All that was drawn as bleed, of whatever subtype."""
    label = np.zeros(labelled.scan.voxels_hu.shape, dtype=bool)
    for voxels in (labelled.bleed_masks or {}).values():
        label |= voxels
    return label


def resize_mask(
    voxels: Bool[np.ndarray, "slices rows columns"], size: int | None
) -> Bool[np.ndarray, "slices new_rows new_columns"]:
    """The whole slice on a square of `size` pixels, each the nearest of the scan's; None leaves it as it is.

    No smoothing: that the second paper's code smoothed masks while it shrank them made them grow.
    """
    if size is None:
        return voxels
    rows, columns = (((np.arange(size) + 0.5) * length / size).astype(int) for length in voxels.shape[1:])
    return voxels[:, rows[:, None], columns]


def _score_slices(
    labelled: LabelledScan,
    label: Bool[np.ndarray, "slices rows columns"],
    predicted: Bool[np.ndarray, "slices rows columns"],
    prediction: Prediction,
) -> tuple[SliceScore, ...]:
    by_grid = {
        grid: count_overlap_by_slice(resize_mask(predicted, size), resize_mask(label, size))
        if predicted.any() or label.any()
        else [Overlap(0, 0, 0)] * len(label)
        for grid, size in GRIDS.items()
    }
    drawn = np.full(len(label), UNKNOWN) if labelled.bleed_masks is None else label.any(axis=(1, 2))
    bleeds = np.where(labelled.slice_labels[:, 0] == UNKNOWN, drawn, labelled.slice_labels[:, 0])
    probabilities, detected = prediction.slice_probabilities, prediction.detected
    return tuple(
        SliceScore(
            z=z,
            label=None if bleeds[z] == UNKNOWN else bool(bleeds[z]),
            probability=None if probabilities is None else float(probabilities[z]),
            detected=None if detected is None else bool(detected[z]),
            counts={grid: Counts.of(overlaps[z]) for grid, overlaps in by_grid.items()},
        )
        for z in range(len(label))
    )


def _bleeds(labelled: LabelledScan, slices: tuple[SliceScore, ...]) -> bool | None:
    """Of the scan: a slice that bleeds is enough; then what was told of the scan; then that no slice bleeds."""
    labels = [one.label for one in slices]
    if any(labels):
        return True
    return labelled.case.scan_labels.get("any", None if None in labels else False)


def _measure(surfaces: SurfaceDistances) -> dict[str, float | None]:
    if surfaces.is_empty or surfaces.is_missed or surfaces.is_invented:
        return {"hd95_mm": None, "assd_mm": None}
    return {"hd95_mm": surfaces.hausdorff_mm("excluded", percentile=95.0), "assd_mm": surfaces.mean_mm("excluded")}


def _diagonal_mm(places: VoxelPlaces, shape: tuple[int, int, int]) -> float:
    corners = np.zeros(shape, dtype=bool)
    corners[np.ix_(*([0, length - 1] for length in shape))] = True
    points = places.points_mm(corners)
    return float(np.linalg.norm(points[:, None] - points[None], axis=-1).max())

"""A decoded case on the model grid: pixels, marks, labels, and what is needed to go back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Int8, UInt8

from ichnos.cohorts.case import LabelledScan
from ichnos.cohorts.fingerprint import take_fingerprints
from ichnos.cohorts.obvious import find_obvious
from ichnos.cohorts.slice_store import BLEED, LABELS, MARKS, UNKNOWN, CaseSlices
from ichnos.errors import GeometryError
from ichnos.preprocessing.brain_mask import find_brain_mask
from ichnos.preprocessing.grid import Axis, ModelGrid, cut_off
from ichnos.preprocessing.recipe import Recipe

_AT_ONCE = 32
"""Slices that are resampled together; bounds memory on thin slices."""


@dataclass(frozen=True)
class GridSettings:
    """What of a recipe decides the pixels of a store; windows are applied later, on HU.

    Attributes:
        image_size: rows and columns of the model grid.
        field_of_view_mm: side of the square around the head; None for the whole slice.
        resized_to, cut_off_hu: as in `Recipe`.
        brain_mask: `own` marks the cavity where the collection brought its own mask of it, and
            nothing elsewhere; `classical` marks what `find_brain_mask` finds, in every case.
    """

    image_size: int
    field_of_view_mm: float | None = None
    resized_to: int | None = None
    cut_off_hu: tuple[float, float] | None = None
    brain_mask: Literal["own", "classical"] = "own"

    @classmethod
    def of(cls, recipe: Recipe, brain_mask: Literal["own", "classical"] = "own") -> "GridSettings":
        """Of a recipe."""
        return cls(recipe.image_size, recipe.field_of_view_mm, recipe.resized_to, recipe.cut_off_hu, brain_mask)


def to_slices(labelled: LabelledScan, settings: GridSettings) -> CaseSlices:
    """A case on the model grid.

    A pixel is marked where at least half of it is. Labels that nobody gave are filled in where
    something else tells them: see `fill_labels`. The record counts slices whose drawn blood is gone
    on the model grid (too small, or outside it), and slices labelled healthy in which blood is drawn.

    Raises:
        GeometryError: the model grid cannot be placed, or labels or masks have other shapes than the scan.
    """
    _check_shapes(labelled)
    scan = labelled.scan
    seen = cut_off(scan, settings.cut_off_hu)
    grid = ModelGrid.place(seen, settings.image_size, settings.field_of_view_mm, settings.resized_to)
    _, row_mm, column_mm = scan.geometry.spacing_mm
    pixel_mm = (grid.row_axis.step * row_mm, grid.column_axis.step * column_mm)
    slices_hu = grid.to_model(seen.voxels_hu)
    brain, notes = _brain(labelled, settings)
    labels = fill_labels(labelled)
    marks = _draw(labelled, brain, grid)
    record = {
        **_describe(labelled, grid, pixel_mm),
        **notes,
        **_count(labelled, marks),
        "filled_labels": int((labels != labelled.slice_labels).sum()),
    }
    return CaseSlices(
        case=labelled.case.case,
        patient=labelled.case.patient,
        slices_hu=slices_hu,
        labels=labels,
        is_obvious=find_obvious(slices_hu, labels[:, 0] == 1, pixel_mm),
        marks=marks,
        blood_is_drawn=labelled.bleed_masks is not None,
        z_mm=scan.geometry.positions_mm,
        fingerprints=take_fingerprints(slices_hu),
        record=record,
        left_out=scan.left_out,
    )


def fill_labels(labelled: LabelledScan) -> Int8[np.ndarray, "slices 6"]:
    """Labels of slices, with those filled in that nobody gave but that something else tells.

    A label that was given is never changed. In this order:

    - a scan label that says no holds for each of its slices (one that says yes tells no slice);
    - where blood was drawn, a slice has `any` if something is drawn on it, and a subtype if that is
      drawn; a subtype that is not drawn is absent, unless blood of an untold subtype is drawn there;
    - a slice with a subtype has `any`; a slice without `any` has no subtype; a slice without any of
      the five subtypes has no `any`.
    """
    labels = labelled.slice_labels.copy()
    for name, is_there in labelled.case.scan_labels.items():
        if not is_there:
            _fill(labels[:, LABELS.index(name)], np.zeros(len(labels), np.int8))
    if labelled.bleed_masks is not None:
        _fill_from_masks(labels, labelled.bleed_masks)
    of_any, of_subtypes = labels[:, 0], labels[:, 1:]
    _fill(of_any, np.where((of_subtypes == 1).any(axis=1), 1, UNKNOWN))
    _fill(of_any, np.where((of_subtypes == 0).all(axis=1), 0, UNKNOWN))
    for column in range(1, len(LABELS)):
        _fill(labels[:, column], np.where(of_any == 0, 0, UNKNOWN))
    return labels


def _fill(labels: Int8[np.ndarray, " slices"], told: np.ndarray) -> None:
    unknown = labels == UNKNOWN
    labels[unknown] = told[unknown]


def _fill_from_masks(
    labels: Int8[np.ndarray, "slices 6"], bleed_masks: Mapping[str, Bool[np.ndarray, "slices rows columns"]]
) -> None:
    drawn = {name: voxels.any(axis=(1, 2)) for name, voxels in bleed_masks.items()}
    nothing = np.zeros(len(labels), bool)
    untold = drawn.get("any", nothing)
    subtypes = [drawn.get(name, nothing) for name in LABELS[1:]]
    _fill(labels[:, 0], np.logical_or.reduce([untold, *subtypes]).astype(np.int8))
    for column, seen in enumerate(subtypes, start=1):
        _fill(labels[:, column], np.where(seen, 1, np.where(untold, UNKNOWN, 0)))


def _check_shapes(labelled: LabelledScan) -> None:
    shape = labelled.scan.geometry.shape
    drawn = {**(labelled.bleed_masks or {}), "brain": labelled.brain_mask}
    for name, voxels in drawn.items():
        if voxels is not None and voxels.shape != shape:
            raise GeometryError(f"the {name} mask has shape {voxels.shape}, its scan {shape}; they must agree")
    if len(labelled.slice_labels) != shape[0]:
        raise GeometryError(f"there are labels for {len(labelled.slice_labels)} slices; the scan has {shape[0]}")


def _brain(
    labelled: LabelledScan, settings: GridSettings
) -> tuple[Bool[np.ndarray, "slices rows columns"] | None, dict[str, Any]]:
    """The intracranial mask to mark, and what the record says of it."""
    if settings.brain_mask == "classical":
        found = find_brain_mask(labelled.scan)
        return found.mask.voxels, {"brain_mask": "classical", "doubts": list(found.doubts)}
    return labelled.brain_mask, {"brain_mask": None if labelled.brain_mask is None else "own"}


def _parts(slices: int) -> Iterator[slice]:
    return (slice(start, start + _AT_ONCE) for start in range(0, slices, _AT_ONCE))


def _draw(
    labelled: LabelledScan, brain: Bool[np.ndarray, "slices rows columns"] | None, grid: ModelGrid
) -> UInt8[np.ndarray, "slices model_rows model_columns"] | None:
    if labelled.bleed_masks is None and brain is None:
        return None
    drawn = {**(labelled.bleed_masks or {}), **({} if brain is None else {"brain": brain})}
    marks = np.zeros((labelled.scan.geometry.shape[0], grid.row_axis.length, grid.column_axis.length), np.uint8)
    for name, voxels in drawn.items():
        for part in _parts(len(marks)):
            covered = grid.fractions_to_model(voxels[part].astype(np.float32))
            marks[part] |= MARKS[name] * (covered >= 0.5).astype(np.uint8)
    return marks


def _count(labelled: LabelledScan, marks: UInt8[np.ndarray, "slices rows columns"] | None) -> dict[str, int]:
    if not labelled.bleed_masks or marks is None:
        return {}
    drawn = np.logical_or.reduce([voxels.any(axis=(1, 2)) for voxels in labelled.bleed_masks.values()])
    vanished = drawn & ~((marks & BLEED) != 0).any(axis=(1, 2))
    denied = drawn & (labelled.slice_labels[:, 0] == 0)
    return {"vanished_slices": int(vanished.sum()), "drawn_but_labelled_healthy": int(denied.sum())}


def _describe(labelled: LabelledScan, grid: ModelGrid, pixel_mm: tuple[float, float]) -> dict[str, Any]:
    geometry = labelled.scan.geometry
    told: dict[str, Any] = {
        "identifiers": dict(labelled.case.identifiers),
        "scan_labels": {name: bool(value) for name, value in labelled.case.scan_labels.items()},
        "hints": dict(labelled.case.hints),
        "raters": sorted(labelled.case.masks),
        "repairs": dict(labelled.repairs),
        "warnings": list(labelled.scan.warnings),
    }
    return {
        "pixel_mm": [round(value, 5) for value in pixel_mm],
        "spacing_mm": [round(value, 5) for value in geometry.spacing_mm],
        "shape": list(geometry.shape),
        "tilt_degrees": round(geometry.tilt_degrees, 3),
        "evenly_spaced": geometry.is_affine,
        "rows": _axis(grid.row_axis),
        "columns": _axis(grid.column_axis),
        **{name: value for name, value in told.items() if value},
    }


def _axis(axis: Axis) -> list[float]:
    """Model pixel i is centred on scan pixel `start + i * step`."""
    return [round(axis.start, 6), round(axis.step, 9)]

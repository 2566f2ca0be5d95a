"""Predicted masks from any tool, matched to cases by id and to scans by geometry. Loads no torch.

In a folder, the mask of CASE is one of

    CASE.nii.gz, CASE.nii     as nnU-Net and most tools write
    CASE/bleed.nii.gz         as `ichnos segment` writes

or whatever a pattern such as `ICH_{case}_seg.nii.gz` says. Listing order means nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from ichnos.errors import GeometryError, PixelError, UsageError
from ichnos.scans.geometry import Geometry
from ichnos.scans.nifti import is_nifti, load_nifti
from ichnos.scans.scan import Scan

PATTERNS = ("{case}.nii.gz", "{case}.nii", "{case}/bleed.nii.gz")
"""Where the mask of a case is looked for."""

GRID_TOLERANCE_MM = 0.1
"""Voxels of a prediction may lie this far from those of the scan: tools round affines to float32."""


@dataclass(frozen=True)
class Prediction:
    """What was predicted for one scan.

    Attributes:
        bleed_mask: on the scan's grid; None where only answers about slices were given.
        slice_probabilities: P(bleed) per slice, feet to head; None where only a mask was predicted.
        detected: slices called bleeding; None where only a mask was predicted.
    """

    bleed_mask: Bool[np.ndarray, "slices rows columns"] | None
    slice_probabilities: Float[np.ndarray, " slices"] | None = None
    detected: Bool[np.ndarray, " slices"] | None = None


@dataclass(frozen=True)
class PredictionFiles:
    """Predictions in a folder.

    Attributes:
        paths: by case.
        missing: cases without a prediction.
        extra: NIfTI files that belong to no case.
    """

    paths: dict[str, Path]
    missing: tuple[str, ...]
    extra: tuple[str, ...]


def list_predictions(folder: Path, cases: Sequence[str], pattern: str | None = None) -> PredictionFiles:
    """Match the files of a folder with cases by name.

    Args:
        folder: of predictions.
        cases: ids.
        pattern: path of a mask below the folder, with `{case}` for the id; None for those of `PATTERNS`.

    Raises:
        UsageError: no such folder, a pattern without `{case}`, or two files for one case.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; give the folder of predicted masks with -p")
    if pattern is not None and "{case}" not in pattern:
        raise UsageError(f"pattern {pattern!r} does not say where the case's id stands; write it as {{case}}")
    paths: dict[str, Path] = {}
    for case in cases:
        names = [one.replace("{case}", case) for one in ([pattern] if pattern else PATTERNS)]
        found = [folder / name for name in names if (folder / name).is_file()]
        if len(found) > 1:
            raise UsageError(f"{folder}: case {case} has {found[0].name} and {found[1].name}; remove one")
        if found:
            paths[case] = found[0]
    taken = set(paths.values())
    written_by_us = {path.parent for path in taken if path.name == "bleed.nii.gz"}
    extra = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if is_nifti(path) and path not in taken and path.parent not in written_by_us
    ]
    return PredictionFiles(paths, tuple(case for case in cases if case not in paths), tuple(extra))


def read_prediction(path: Path, scan: Scan) -> Prediction:
    """Read a predicted mask and bring it to the scan's order of axes; nothing is resampled.

    Whatever is above 0 is bleed. The probabilities that `ichnos segment` writes beside its masks are read too.

    Raises:
        GeometryError: the mask lies on another grid than the scan.
        PixelError: unreadable, or holding fractions, as a probability map does, or values below 0, as a scan does.
        ScanError: as in `read_mask`.
    """
    image = load_nifti(path)
    if image.stored.dtype.kind != "b" and image.stored.min() < 0:
        raise PixelError(f"{path}: holds values from {image.stored.min():g}, below 0; a mask has none, is it the scan?")
    if (image.stored != np.rint(image.stored)).any():
        value = float(image.stored[image.stored != np.rint(image.stored)].flat[0])
        raise PixelError(f"{path}: holds {value:.4g}, not whole numbers; give a mask, not a probability map")
    check_grid(path, image.geometry, scan.geometry)
    mask = np.ascontiguousarray(image.turn.to_canonical(image.stored > 0))
    return Prediction(mask, _probabilities_beside(path, len(mask)))


def check_grid(path: Path, predicted: Geometry, wanted: Geometry) -> None:
    """Refuse a prediction on another grid.

    Where slices are unevenly spaced a NIfTI cannot say so; then the affine that fits the scan best will do.

    Raises:
        GeometryError: sizes differ, or a corner lies farther than `GRID_TOLERANCE_MM` from where it should.
    """
    way_out = "predict on the scan's own grid, or bring the mask back to it"
    if predicted.shape != wanted.shape:
        raise GeometryError(f"{path}: has {_size(predicted)} voxels, the scan {_size(wanted)}; {way_out}")
    offset_mm = _largest_offset_mm(predicted, wanted)
    if offset_mm > GRID_TOLERANCE_MM and not wanted.is_affine:
        offset_mm = min(offset_mm, _largest_offset_mm(predicted, Geometry.from_affine(wanted.affine, wanted.shape)))
    if offset_mm > GRID_TOLERANCE_MM:
        raise GeometryError(f"{path}: its voxels lie up to {offset_mm:.2f} mm from those of the scan; {way_out}")


def predict_nothing(scan: Scan) -> Prediction:
    """An empty mask, for a prediction that is missing and shall count as one."""
    return Prediction(np.zeros(scan.voxels_hu.shape, dtype=bool))


def _largest_offset_mm(first: Geometry, second: Geometry) -> float:
    """At the corners of each slice: whatever is affine within a slice differs most there."""
    slices, rows, columns = first.shape
    ends = np.ix_(np.arange(slices), np.array([0, rows - 1]), np.array([0, columns - 1]))
    place = [axis.ravel() for axis in np.broadcast_arrays(*ends)]
    return float(np.linalg.norm(first.points_mm(*place) - second.points_mm(*place), axis=1).max())


def _size(geometry: Geometry) -> str:
    return " x ".join(map(str, geometry.shape))


def _probabilities_beside(path: Path, slices: int) -> Float[np.ndarray, " slices"] | None:
    description = path.with_name("segmentation.json")
    if path.name != "bleed.nii.gz" or not description.is_file():
        return None
    try:
        told = json.loads(description.read_text(encoding="utf-8"))["slice_probabilities"]
    except (ValueError, KeyError, TypeError):
        return None
    return np.array(told, dtype=float) if len(told) == slices else None

"""Masks as other people stored them, brought onto the grid of their scan or refused."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Shaped

from ichnos.cohorts.slice_store import LABELS
from ichnos.errors import GeometryError, PixelError
from ichnos.scans.geometry import Geometry
from ichnos.scans.nifti import load_nifti
from ichnos.scans.scan import Scan

IN_PLANE_PIXELS = 0.5
ALONG_NORMAL_GAPS = 0.25
"""How far a voxel of a mask may lie from its voxel of the scan: files round their affines."""

WHOLE = 1e-3
"""Values of a mask of several classes are this close to whole numbers."""

BINARY: Mapping[int, str] = {}
"""Classes of a mask that only says where blood is: whatever is not 0."""

DrawnMasks = dict[str, Bool[np.ndarray, "slices rows columns"]]


def read_on_grid(path: Path, scan: Scan) -> Shaped[np.ndarray, "slices rows columns"]:
    """Values of a mask file, one for each voxel of the scan.

    Axes are put into the order of the scan by the two affines, so a mask that was stored flipped or
    transposed comes out right; nothing is resampled.

    Raises:
        GeometryError: it has another size, or lies elsewhere.
        PixelError: cut short, corrupt, not finite; values below 0, as of a scan.
        ScanNotFoundError: not there.
    """
    image = load_nifti(path)
    check_fit(image.geometry, scan.geometry, str(path))
    values = np.ascontiguousarray(image.turn.to_canonical(image.stored))
    if values.dtype.kind != "b" and values.min() < 0:
        raise PixelError(f"{path}: holds values from {values.min():g}, below 0; a mask has none, is it the scan?")
    return values


def read_brain_mask(path: Path, scan: Scan) -> Bool[np.ndarray, "slices rows columns"]:
    """Where an intracranial mask is not 0; raises as `read_on_grid`."""
    return np.asarray(read_on_grid(path, scan) > 0)


def read_bleed_masks(path: Path, scan: Scan, classes: Mapping[int, str | None] = BINARY) -> DrawnMasks:
    """Masks by subtype from one file, or under `any`; without those that are empty.

    Args:
        path: of the mask.
        scan: what it was drawn on.
        classes: what each value means, one of `LABELS`, or None for what is no blood; `BINARY` for a
            mask of one class, in which every value above 0 (1, 255, a fraction) is blood.

    Raises:
        ScanError: as `read_on_grid`; PixelError too for values that `classes` does not know.
    """
    values = read_on_grid(path, scan)
    return split_classes(values, classes, str(path)) if classes else _without_empty({"any": np.asarray(values > 0)})


def split_classes(
    values: Shaped[np.ndarray, "slices rows columns"], classes: Mapping[int, str | None], where: str
) -> DrawnMasks:
    """Masks by subtype from class numbers; 0 is background.

    Raises:
        PixelError: a value that is no class.
    """
    found = np.unique(values[values != 0]).astype(float)
    odd = [value for value in found if abs(value - round(value)) > WHOLE or round(value) not in classes]
    if odd:
        known = ", ".join(f"{number} {name or 'no blood'}" for number, name in classes.items())
        raise PixelError(f"{where}: holds the value {odd[0]:g}, which is none of its classes ({known})")
    rounded = np.rint(values).astype(np.int64) if values.dtype.kind == "f" else values
    masks: DrawnMasks = {}
    for number in (round(value) for value in found):
        name = classes[number]
        if name is not None:
            masks[name] = masks.get(name, False) | np.asarray(rounded == number)
    return _without_empty(masks)


def take_majority(raters: Sequence[DrawnMasks]) -> DrawnMasks:
    """What more than half of the raters drew; a rater who drew nothing counts.

    A voxel that more than half call blood, without more than half for one subtype, comes under `any`.

    Args:
        raters: masks by subtype of each, at least one; all on one grid.
    """
    votes = {name: sum(masks[name].astype(np.int16) for masks in raters if name in masks) for name in LABELS[1:]}
    masks = {
        name: np.asarray(count > len(raters) / 2) for name, count in votes.items() if isinstance(count, np.ndarray)
    }
    unions = [np.logical_or.reduce(list(drawn.values())) for drawn in raters if drawn]
    if not unions:
        return {}
    bleed = np.asarray(sum(union.astype(np.int16) for union in unions) > len(raters) / 2)
    for voxels in masks.values():
        bleed &= ~voxels
    return _without_empty(masks | {"any": bleed})


def check_fit(mask: Geometry, scan: Geometry, where: str) -> None:
    """Refuse a mask whose voxels are not those of the scan.

    Raises:
        GeometryError: says how far it lies off.
    """
    if mask.shape != scan.shape:
        raise GeometryError(
            f"{where}: has {mask.shape[0]} slices of {mask.rows} x {mask.columns}, its scan {scan.shape[0]} of "
            f"{scan.rows} x {scan.columns}; a mask needs the grid of its scan"
        )
    z = np.repeat(np.arange(len(scan.origins_mm)), 4)
    row = np.tile([0, 0, scan.rows - 1, scan.rows - 1], len(scan.origins_mm))
    column = np.tile([0, scan.columns - 1, 0, scan.columns - 1], len(scan.origins_mm))
    apart_mm = mask.points_mm(z, row, column) - scan.points_mm(z, row, column)
    along_mm = np.abs(apart_mm @ scan.normal)
    in_plane_mm = np.linalg.norm(apart_mm - (apart_mm @ scan.normal)[:, None] * scan.normal, axis=1)
    gap_mm, *pixel_mm = scan.spacing_mm
    if along_mm.max() > ALONG_NORMAL_GAPS * gap_mm or in_plane_mm.max() > IN_PLANE_PIXELS * min(pixel_mm):
        raise GeometryError(
            f"{where}: lies up to {np.linalg.norm(apart_mm, axis=1).max():.2f} mm off the scan it should belong to; "
            "one of the two has a wrong affine, or belongs to another scan"
        )


def _without_empty(masks: DrawnMasks) -> DrawnMasks:
    return {name: voxels for name, voxels in masks.items() if voxels.any()}

"""Soft tissue that the skull encloses, followed from slice to slice.

Works on thick and thin, tilted and uneven slices, because the decisive question is asked within a
slice: is there skull in at least three of the four directions (front, back, right, left)? A
craniectomy may open one side; face, neck and scalp fail the test. The largest body that passes gives
the slice to start from. From there up and down, a cavity must lie in line with what was found nearer to
the start, so that face, orbits and neck do not come in through the holes of the skull base, and
the spinal canal ends it.

Nothing denser than 255 HU is told apart, and nothing darker than CSF: an 8-bit export, whose HU are
clipped to 0 to 255, has nearly the same cavity as the scan that it was made of.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage
from scipy.spatial import ConvexHull

from ichnos.scans.scan import Scan

BRIGHTEST_HU = 255.0
"""All that is denser counts as this dense; the lightest pixel that bone and brain share equally is about as dense."""

BONE_HU = 200.0
_DENSEST_SOFT_HU = 130.0
"""Dense blood and some noise."""

_DARKEST_SOFT_HU = -15.0
_ABOVE_DARKEST_HU = 0.5
"""CSF is brighter than the first, and by the second brighter than the darkest voxel of the scan, which is 0 HU and
stands for air and fat where HU were clipped; noise, cut off on one side, lifts CSF once it is smoothed."""

_COARSE_MM = 1.5
"""In-plane pixel at which the cavity is found."""

_SMOOTHING_MM = 1.5
_OPENING_MM = 4.5
"""Openings of the skull base narrower than twice this do not let the mask out."""

_CLOSING_MM = 4.5
"""Dark sulci and streaks narrower than twice this are bridged."""

_RIM_MM = 2.5
"""Soft tissue beside bone looks denser than it is; the mask is grown by this much, up to the inner table."""

_REACH_MM = 5.0
_REACH_PER_MM = 0.7
"""How far a slice may reach beyond the neighbours that it follows: so much, and more by their distance."""

_SPOILT_MM = 25.0
_SPOILT_SHARE = 0.6
"""A slice whose cavity has less than this share of a neighbour's area, at most so far away, is spoilt by metal or
motion, or near the end: the neighbour is followed on, and if the cavity is wide again beyond, it is bridged."""

_IN_LINE_SHARE = 0.5
"""Share of a piece that must lie in line with the neighbours' mask."""

_OPEN_SHARE = 0.03
"""A skull is open in a slice where more than this share of the cavity has no bone on one side."""

_CANAL_MM2 = 900.0
_CANAL_MM = 8.0
"""A cavity that is still as narrow so much farther is the spinal canal: a dome of a skull opens faster."""

_SCALP_MM = 5.0
"""So much beneath the surface is scalp where no bone parts it from brain."""


_IN_PLANE = np.pad(ndimage.generate_binary_structure(2, 1)[None], ((1, 1), (0, 0), (0, 0)))
"""The four neighbours within a slice."""


def find_cavity(scan: Scan) -> Bool[np.ndarray, "slices rows columns"]:
    """The intracranial cavity on the scan's grid, dense bone left out; empty where nothing is enclosed."""
    _, row_mm, column_mm = scan.geometry.spacing_mm
    strides = max(1, round(_COARSE_MM / row_mm)), max(1, round(_COARSE_MM / column_mm))
    pixel_mm = row_mm * strides[0], column_mm * strides[1]
    hu = _average_blocks(np.minimum(scan.voxels_hu, np.float32(BRIGHTEST_HU)), strides)
    darkest_hu = max(_DARKEST_SOFT_HU, float(scan.voxels_hu.min()) + _ABOVE_DARKEST_HU)
    bone = hu >= BONE_HU
    tissue = _find_tissue(hu, bone, pixel_mm, darkest_hu)
    sides = count_enclosing_sides(bone)
    followed = _follow(tissue & (sides >= 3), pixel_mm, scan.geometry.positions_mm)
    followed |= _find_behind_open_sides(followed, tissue, bone, sides, pixel_mm)
    coarse = _complete(followed, bone, pixel_mm, scan.geometry.positions_mm)
    fine = _refine(coarse, strides, scan.voxels_hu.shape)
    return fill_slices(fine & (scan.voxels_hu < BRIGHTEST_HU))


def count_enclosing_sides(
    bone: Bool[np.ndarray, "slices rows columns"],
) -> Int[np.ndarray, "slices rows columns"]:
    """In how many of the four in-plane directions a ray from each pixel meets bone."""
    sides = np.zeros(bone.shape, dtype=np.int8)
    for axis in (1, 2):
        sides += np.logical_or.accumulate(bone, axis=axis)
        sides += np.flip(np.logical_or.accumulate(np.flip(bone, axis), axis=axis), axis)
    return sides


def _find_tissue(
    hu: Float[np.ndarray, "slices rows columns"],
    bone: Bool[np.ndarray, "slices rows columns"],
    pixel_mm: tuple[float, float],
    darkest_hu: float,
) -> Bool[np.ndarray, "slices rows columns"]:
    """What is as dense as CSF, brain or blood, and not just beneath the skin."""
    sigma = (0.0, _SMOOTHING_MM / pixel_mm[0] / 2.355, _SMOOTHING_MM / pixel_mm[1] / 2.355)
    smooth = ndimage.gaussian_filter(hu, sigma)
    steps = max(1, round(_SCALP_MM / min(pixel_mm)))  # 0 would go on until nothing changes
    scalp = ndimage.binary_dilation(_find_outside(smooth <= darkest_hu), _IN_PLANE, steps, mask=~bone)
    return (smooth > darkest_hu) & (smooth < _DENSEST_SOFT_HU) & ~bone & ~scalp


def _find_outside(dark: Bool[np.ndarray, "slices rows columns"]) -> Bool[np.ndarray, "slices rows columns"]:
    """Air and fat that reach the edge of the image within their slice."""
    labels, count = ndimage.label(dark, _IN_PLANE)
    outside = np.zeros(count + 1, dtype=bool)
    for side in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        outside[side] = True
    outside[0] = False
    return np.asarray(outside[labels])


def _follow(
    soft: Bool[np.ndarray, "slices rows columns"],
    pixel_mm: tuple[float, float],
    positions_mm: Float[np.ndarray, " slices"],
) -> Bool[np.ndarray, "slices rows columns"]:
    """Pieces of soft tissue in line with each other, from the widest slice of the largest body on."""
    core = ndimage.binary_erosion(soft, _disc(_OPENING_MM, pixel_mm))
    body = _keep_main_body(core)
    found = np.zeros_like(soft)
    if not body.any():
        return found
    start = int(body.sum(axis=(1, 2)).argmax())
    brush = _disc(_OPENING_MM + 1.0, pixel_mm)[0]
    found[start] = ndimage.binary_dilation(body[start], brush) & soft[start]
    for order in (range(start + 1, len(soft)), range(start - 1, -1, -1)):
        trail, followed = [start], start
        for z in order:
            step_mm = abs(positions_mm[z] - positions_mm[followed])
            away_mm = ndimage.distance_transform_edt(~found[followed], sampling=pixel_mm)
            reached = away_mm <= _REACH_MM + _REACH_PER_MM * step_mm
            kept = _keep_in_line(core[z], found[followed]) & reached
            piece = ndimage.binary_dilation(kept, brush) & soft[z] & reached
            if _is_canal(piece, found[trail], np.abs(positions_mm[trail] - positions_mm[z]), pixel_mm):
                break
            found[z] = piece
            if piece.any() and not _is_spoilt(piece, found[followed], found[start], step_mm):
                followed = z
                trail.append(z)
    return found


def _is_spoilt(
    piece: Bool[np.ndarray, "rows columns"],
    neighbour: Bool[np.ndarray, "rows columns"],
    widest: Bool[np.ndarray, "rows columns"],
    step_mm: float,
) -> bool:
    area, before, most = piece.sum(), neighbour.sum(), widest.sum()
    return bool(step_mm <= _SPOILT_MM and area < _SPOILT_SHARE * before and before > _SPOILT_SHARE * most)


def _keep_in_line(
    pieces: Bool[np.ndarray, "rows columns"], neighbour: Bool[np.ndarray, "rows columns"]
) -> Bool[np.ndarray, "rows columns"]:
    labels, count = ndimage.label(pieces)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    in_line = np.bincount(labels[neighbour], minlength=count + 1)
    keeps = in_line >= _IN_LINE_SHARE * sizes
    keeps[0] = False
    return np.asarray(keeps[labels])


def _is_canal(
    piece: Bool[np.ndarray, "rows columns"],
    trail: Bool[np.ndarray, "trail rows columns"],
    steps_mm: Float[np.ndarray, " trail"],
    pixel_mm: tuple[float, float],
) -> bool:
    narrow_pixels = _CANAL_MM2 / (pixel_mm[0] * pixel_mm[1])
    before = trail.sum(axis=(1, 2)) < narrow_pixels
    return bool(0 < piece.sum() < narrow_pixels and (before & (steps_mm >= _CANAL_MM)).any())


def _find_behind_open_sides(
    found: Bool[np.ndarray, "slices rows columns"],
    tissue: Bool[np.ndarray, "slices rows columns"],
    bone: Bool[np.ndarray, "slices rows columns"],
    sides: Int[np.ndarray, "slices rows columns"],
    pixel_mm: tuple[float, float],
) -> Bool[np.ndarray, "slices rows columns"]:
    """Where half a skull is missing, tissue up to the straight line between its edges; above the base only."""
    areas = found.sum(axis=(1, 2))
    open_areas = (found & (sides < 4)).sum(axis=(1, 2))
    is_open = (areas > _SPOILT_SHARE * areas.max()) & (open_areas > _OPEN_SHARE * areas)
    behind = np.zeros_like(found)
    for z in np.flatnonzero(is_open):
        within = tissue[z] & _fill_hull(bone[z])
        behind[z] = _keep_in_line(ndimage.binary_opening(within, _disc(_OPENING_MM, pixel_mm)[0]), found[z])
    return behind


def _fill_hull(bone: Bool[np.ndarray, "rows columns"]) -> Bool[np.ndarray, "rows columns"]:
    """All that lies on the inner side of each edge of the convex hull."""
    edges = ConvexHull(np.argwhere(bone)).equations
    row, column = np.indices(bone.shape)
    inside = np.ones(bone.shape, dtype=bool)
    for row_weight, column_weight, offset in edges:
        inside &= row_weight * row + column_weight * column + offset <= 1e-9
    return inside


def _complete(
    found: Bool[np.ndarray, "slices rows columns"],
    bone: Bool[np.ndarray, "slices rows columns"],
    pixel_mm: tuple[float, float],
    positions_mm: Float[np.ndarray, " slices"],
) -> Bool[np.ndarray, "slices rows columns"]:
    """Bridge sulci, streaks and spoilt slices; fill holes; grow into the blurred edge of bone."""
    closed = ndimage.binary_closing(found, _disc(_CLOSING_MM, pixel_mm)) & ~bone
    filled = fill_slices(closed | _bridge_spoilt(found, positions_mm))
    return ndimage.binary_dilation(filled, _disc(_RIM_MM, pixel_mm))


def _bridge_spoilt(
    found: Bool[np.ndarray, "slices rows columns"], positions_mm: Float[np.ndarray, " slices"]
) -> Bool[np.ndarray, "slices rows columns"]:
    """Of a slice spoilt by streaks or motion, what those near it below and above have in common."""
    areas = found.sum(axis=(1, 2))
    away_mm = positions_mm[:, None] - positions_mm[None, :]
    places = np.arange(len(found))
    beside = np.abs(places[:, None] - places[None, :]) == 1
    near = beside | ((away_mm != 0) & (np.abs(away_mm) <= _SPOILT_MM))
    shared = np.zeros_like(found)
    for z in places[1:-1]:
        between = found[near[z] & (places < z)].any(axis=0) & found[near[z] & (places > z)].any(axis=0)
        if areas[z] < _SPOILT_SHARE * between.sum() and between.sum() > _SPOILT_SHARE * areas.max():
            shared[z] = between
    return shared


def _keep_main_body(core: Bool[np.ndarray, "slices rows columns"]) -> Bool[np.ndarray, "slices rows columns"]:
    """The largest 3-D body; slices touch only where they overlap."""
    labels, count = ndimage.label(core)
    if count == 0:
        return core
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def fill_slices(voxels: Bool[np.ndarray, "slices rows columns"]) -> Bool[np.ndarray, "slices rows columns"]:
    """Holes within each slice filled."""
    return np.asarray(ndimage.binary_fill_holes(voxels, _IN_PLANE))


def _disc(radius_mm: float, pixel_mm: tuple[float, float]) -> Bool[np.ndarray, "1 rows columns"]:
    """A disc of at least the four neighbours."""
    radius_mm = max(radius_mm, *pixel_mm)
    reach = [int(radius_mm / size) for size in pixel_mm]
    row, column = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    return (((row * pixel_mm[0]) ** 2 + (column * pixel_mm[1]) ** 2) <= radius_mm**2 + 1e-6)[None]


def _average_blocks(
    voxels: Float[np.ndarray, "slices rows columns"], strides: tuple[int, int]
) -> Float[np.ndarray, "slices coarse_rows coarse_columns"]:
    """Mean over blocks of pixels; edges that do not fill a block repeat their last pixel."""
    slices, rows, columns = voxels.shape
    padding = (-rows % strides[0], -columns % strides[1])
    padded = np.pad(voxels, ((0, 0), (0, padding[0]), (0, padding[1])), mode="edge")
    blocks = padded.reshape(slices, padded.shape[1] // strides[0], strides[0], -1, strides[1])
    return blocks.mean(axis=(2, 4), dtype=np.float32)


def _refine(
    coarse: Bool[np.ndarray, "slices rows columns"], strides: tuple[int, int], shape: tuple[int, ...]
) -> Bool[np.ndarray, "slices fine_rows fine_columns"]:
    fine = np.repeat(np.repeat(coarse, strides[0], axis=1), strides[1], axis=2)
    return np.ascontiguousarray(fine[:, : shape[1], : shape[2]])

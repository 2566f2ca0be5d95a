"""From slice headers in any order to one stack with exact geometry."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ichnos.errors import GeometryError, ModalityError
from ichnos.scans.dicom_headers import SliceHeader
from ichnos.scans.geometry import POSITION_TOLERANCE_MM, USUAL_SLICE_MM, Geometry
from ichnos.scans.orientation import closest_turn
from ichnos.scans.scan import Turn
from ichnos.scans.series_traits import is_localizer

LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])

MISSING_RATIO = 1.5
"""A gap this much larger than the larger of its neighbours looks like a missing slice."""

ORIENTATION_TOLERANCE = 1e-3
"""Direction cosines that differ by less are the same: 0.06 degrees, 0.25 mm across a head."""

SPACING_TOLERANCE_MM = 1e-4
"""Pixel spacings that differ by less are the same: 0.05 mm across 512 pixels."""


@dataclass(frozen=True)
class Stack:
    """Slices that form one scan.

    Attributes:
        headers: from feet to head.
        geometry: in canonical order.
        turn: from (image column, image row, slice) to canonical order.
        warnings: what is unusual.
        copies: names of files that were left out because another holds the same image.
    """

    headers: tuple[SliceHeader, ...]
    geometry: Geometry
    turn: Turn
    warnings: tuple[str, ...]
    copies: tuple[str, ...] = ()


def stack_slices(headers: Sequence[SliceHeader], *, where: str, strict: bool = False) -> Stack:
    """Order slices by their position along the normal and work out where every voxel lies.

    Args:
        headers: slices of one series.
        where: how messages call the input.
        strict: whether a missing slice is an error instead of a warning.

    Raises:
        GeometryError: positions missing or repeated; sizes, spacings or orientations mixed;
            with `strict`, slices missing.
    """
    kept, dropped = _without_localizers(headers)
    kept, copies = _without_copies(kept)
    repeated = [f"left out {len(copies)} file(s) that are copies of another"] if copies else []
    _check_complete(kept)
    _check_uniform(kept, where)
    steps_mm = _steps_mm(kept[0])
    turn = closest_turn(steps_mm, slice_axis=2)
    origins_mm = np.array([header.position_mm for header in kept]) * LPS_TO_RAS
    order = np.argsort(origins_mm @ steps_mm[:, 2], kind="stable")
    ordered = tuple(kept[index] for index in order)
    _check_distinct(ordered, origins_mm[order] @ steps_mm[:, 2])
    geometry = _geometry(ordered, origins_mm[order], turn)
    missing = _missing_slices(geometry, where)
    if missing and strict:
        raise GeometryError(missing[0])
    return Stack(ordered, geometry, turn, (*dropped, *repeated, *missing, *_lone_slice(ordered)), copies)


def _without_localizers(headers: Sequence[SliceHeader]) -> tuple[list[SliceHeader], list[str]]:
    kept = [header for header in headers if not is_localizer(header)]
    dropped = [header.file.name for header in headers if is_localizer(header)]
    return kept, [f"left out {len(dropped)} localizer image(s) in the series: {dropped[0]}"] if dropped else []


def _without_copies(headers: list[SliceHeader]) -> tuple[list[SliceHeader], tuple[str, ...]]:
    """One of several copies of the same image (same UID and same position), and the files of the others."""
    first = {(header.uid or header.file.name, header.position_mm): header for header in reversed(headers)}
    kept = [header for header in headers if first[header.uid or header.file.name, header.position_mm] is header]
    used = {id(header) for header in kept}
    return kept, tuple(header.file.name for header in headers if id(header) not in used)


def _check_complete(headers: list[SliceHeader]) -> None:
    for header in headers:
        if header.samples != 1:
            raise ModalityError(f"{header.file.name}: a colour image within a CT series; leave that file out")
        needed = {
            "ImagePositionPatient": header.position_mm,
            "ImageOrientationPatient": header.orientation,
            "PixelSpacing": header.pixel_spacing_mm,
        }
        absent = [keyword for keyword, value in needed.items() if value is None]
        if absent:
            raise GeometryError(
                f"{header.file.name}: no valid {', '.join(absent)}; a slice without it has no place, "
                "export the series again"
            )


def _check_uniform(headers: list[SliceHeader], where: str) -> None:
    """Refuse a series whose slices differ in size, pixel spacing or orientation."""
    first = headers[0]
    for header in headers:
        pairs = {
            "sizes": ((first.rows, first.columns), (header.rows, header.columns), 0.0),
            "pixel spacings": (first.pixel_spacing_mm or (), header.pixel_spacing_mm or (), SPACING_TOLERANCE_MM),
            "orientations": (first.orientation or (), header.orientation or (), ORIENTATION_TOLERANCE),
        }
        for what, (one, other, tolerance) in pairs.items():
            if any(abs(a - b) > tolerance for a, b in zip(one, other, strict=True)):
                raise GeometryError(
                    f"{where}: the series mixes {what}: {one} in {first.file.name} and {other} in "
                    f"{header.file.name}; give the files of one stack only"
                )


def _steps_mm(header: SliceHeader) -> Float[np.ndarray, "3 3"]:
    """RAS+ steps along image column, image row and the unit normal that points to the head."""
    along_row, along_column = np.array(header.orientation).reshape(2, 3) * LPS_TO_RAS
    normal = np.cross(along_row, along_column)
    normal = normal / np.linalg.norm(normal) * (1.0 if normal[2] > 0 else -1.0)
    return np.column_stack([_plane_steps_mm([header])[0], normal])


def _plane_steps_mm(headers: Sequence[SliceHeader]) -> Float[np.ndarray, "slices 3 2"]:
    """RAS+ steps along image column and image row."""
    along = np.array([header.orientation for header in headers]).reshape(-1, 2, 3) * LPS_TO_RAS
    spacing_mm = np.array([header.pixel_spacing_mm or (1.0, 1.0) for header in headers])[:, ::-1]
    return (along * spacing_mm[:, :, None]).transpose(0, 2, 1)


def _check_distinct(headers: tuple[SliceHeader, ...], positions_mm: Float[np.ndarray, " slices"]) -> None:
    same = np.nonzero(np.diff(positions_mm) < POSITION_TOLERANCE_MM)[0]
    if same.size:
        one, other = headers[same[0]], headers[same[0] + 1]
        raise GeometryError(
            f"{one.file.name} and {other.file.name} lie at the same position ({positions_mm[same[0]]:.2f} mm "
            f"along the normal; {same.size} such pairs); give one acquisition only"
        )


def _geometry(headers: tuple[SliceHeader, ...], origins_mm: Float[np.ndarray, "slices 3"], turn: Turn) -> Geometry:
    steps_mm = _plane_steps_mm(headers)
    _, row_axis, column_axis = turn.axes
    lengths = {0: headers[0].columns, 1: headers[0].rows}
    row_steps_mm, column_steps_mm = steps_mm[:, :, row_axis], steps_mm[:, :, column_axis]
    rows, columns = lengths[row_axis], lengths[column_axis]
    if turn.flipped[1]:
        origins_mm, row_steps_mm = origins_mm + (rows - 1) * row_steps_mm, -row_steps_mm
    if turn.flipped[2]:
        origins_mm, column_steps_mm = origins_mm + (columns - 1) * column_steps_mm, -column_steps_mm
    lone_slice_mm = (headers[0].thickness_mm or USUAL_SLICE_MM) if len(headers) == 1 else None
    return Geometry(origins_mm, row_steps_mm, column_steps_mm, rows, columns, lone_slice_mm)


def _missing_slices(geometry: Geometry, where: str) -> list[str]:
    """One warning that names the gaps that are too large for their neighbours, if any."""
    gaps_mm = geometry.gaps_mm
    padded = np.concatenate([[0.0], gaps_mm, [0.0]])
    neighbours_mm = np.maximum(padded[:-2], padded[2:])
    wide = np.nonzero((gaps_mm > MISSING_RATIO * neighbours_mm + POSITION_TOLERANCE_MM) & (neighbours_mm > 0))[0]
    if not wide.size:
        return []
    positions_mm = geometry.positions_mm
    places = ", ".join(f"{positions_mm[z]:.1f} and {positions_mm[z + 1]:.1f} mm" for z in wide)
    return [
        f"{where}: slices seem to be missing between {places} (gap {gaps_mm[wide[0]]:.2f} mm, its neighbours "
        f"{neighbours_mm[wide[0]]:.2f} mm); volumes there are interpolated, look for the lost files"
    ]


def _lone_slice(headers: tuple[SliceHeader, ...]) -> list[str]:
    if len(headers) > 1:
        return []
    thickness_mm = headers[0].thickness_mm
    if not thickness_mm:
        return [f"only one slice, without SliceThickness; its volume rests on {USUAL_SLICE_MM:g} mm, which is a guess"]
    return [f"only one slice; its volume rests on SliceThickness {thickness_mm:g} mm"]

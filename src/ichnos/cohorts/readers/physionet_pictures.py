"""From the pictures of PhysioNet ct-ich 1.0 to 1.2 to a scan in approximate HU.

The pictures were made from videos, so what is read from them is not what the scanner measured:

- HU are approximate: a grey level is 120/255 = 0.5 HU where the brain window is not clipped, and
  3200/255 = 12.5 HU elsewhere;
- sizes are not told. Slices are 5 mm apart as the paper says; pixels are given a nominal size,
  and a warning says that volumes are not to be trusted.

Slices are numbered from 1 at the feet, and shown as usual: front up, patient left on the right.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from ichnos.cohorts.readers.layout import visible
from ichnos.cohorts.readers.notes import listed
from ichnos.cohorts.readers.places import find_child
from ichnos.errors import GeometryError, ScanNotFoundError
from ichnos.scans import Geometry, Scan, Source
from ichnos.scans.grey_image import read_grey_image

BRAIN_HU, BONE_HU = (-20.0, 100.0), (-900.0, 2300.0)
"""Lowest and highest HU of the two windows."""

CLIPPED_LEVELS = 3
"""Grey levels this close to black or white may be clipped: JPEG moves levels by about as much."""

DRAWN_ABOVE = 127
"""Grey level above which a pixel of a drawing is blood: JPEG rings around its edge."""

SLICE_MM = 5.0
NOMINAL_FIELD_MM = 205.0
"""Width given to the longer side of a picture: 512 pixels of 0.4 mm, amid the 0.31 to 0.49 mm of the NIfTI scans."""

PICTURE = re.compile(r"0*(\d+)\.(?:jpe?g|png)", re.IGNORECASE)
DRAWING = re.compile(r"0*(\d+)_HGE_Seg\.(?:jpe?g|png)", re.IGNORECASE)


@dataclass(frozen=True)
class Pictures:
    """The files of one patient, by slice number.

    Attributes:
        brain: in the brain window.
        bone: in the bone window.
        drawn: drawings of blood.
        others: files that are none of these.
    """

    brain: dict[int, Path] = field(default_factory=dict)
    bone: dict[int, Path] = field(default_factory=dict)
    drawn: dict[int, Path] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


def list_pictures(folder: Path) -> Pictures:
    """Sort the files of one patient by what they are and by slice number.

    Raises:
        ScanNotFoundError: there is no such folder.
    """
    if not folder.is_dir():
        raise ScanNotFoundError(f"{folder}: no such folder; check the path")
    found = Pictures(others=[path.name for path in visible(folder) if path.name.lower() not in {"brain", "bone"}])
    for window, into in (("brain", found.brain), ("bone", found.bone)):
        place = find_child(folder, window)
        for path in visible(place) if place else []:
            picture, drawing = PICTURE.fullmatch(path.name), DRAWING.fullmatch(path.name)
            kind = into if picture else found.drawn
            match = picture or (drawing if window == "brain" else None)
            if match is None or int(match[1]) in kind:
                found.others.append(f"{window}/{path.name}")
            else:
                kind[int(match[1])] = path
    return found


def read_pictures(found: Pictures, folder: Path) -> Scan:
    """Read the slices of one patient; where a picture is missing, its slice is missing and the gap is kept.

    Raises:
        ScanError: pictures cannot be read or differ in size.
    """
    numbers = sorted(found.brain)
    brain = {number: read_grey_image(found.brain[number]) for number in numbers}
    shape = brain[numbers[0]].shape
    _check_sizes(found.brain, brain, shape)
    bone = {number: read_grey_image(found.bone[number]) for number in numbers if number in found.bone}
    _check_sizes(found.bone, bone, shape)
    voxels_hu = np.stack([hu_from_windows(brain[number], bone.get(number)) for number in numbers])
    return Scan(voxels_hu, _geometry(numbers, shape), Source(path=folder), _warnings(numbers, bone))


def read_drawings(found: Pictures) -> Bool[np.ndarray, "slices rows columns"]:
    """Where blood was drawn, for the slices that have a picture; nowhere in those without a drawing.

    Raises:
        ScanError: drawings cannot be read, or differ in size from the pictures.
    """
    numbers = sorted(found.brain)
    shape = read_grey_image(found.brain[numbers[0]]).shape
    images = {number: read_grey_image(found.drawn[number]) for number in numbers if number in found.drawn}
    _check_sizes(found.drawn, images, shape)
    drawn = np.zeros((len(numbers), *shape), bool)
    for number, image in images.items():
        drawn[numbers.index(number)] = image > DRAWN_ABOVE
    return drawn


def hu_from_windows(
    brain: UInt8[np.ndarray, "rows columns"], bone: UInt8[np.ndarray, "rows columns"] | None
) -> Float[np.ndarray, "rows columns"]:
    """Approximate HU of a slice: from the brain window, and from the bone window where that is clipped.

    Args:
        brain: grey levels, 0 at -20 HU and 255 at 100 HU.
        bone: grey levels, 0 at -900 HU and 255 at 2300 HU; without it HU end where the brain window does.
    """
    fine_hu = _levels_to_hu(brain, BRAIN_HU)
    if bone is None:
        return fine_hu
    coarse_hu = _levels_to_hu(bone, BONE_HU)
    dark, bright = brain <= CLIPPED_LEVELS, brain >= 255 - CLIPPED_LEVELS
    hu = np.where(dark, np.minimum(coarse_hu, fine_hu), np.where(bright, np.maximum(coarse_hu, fine_hu), fine_hu))
    return np.asarray(hu, np.float32)


def _levels_to_hu(
    levels: UInt8[np.ndarray, "rows columns"], window_hu: tuple[float, float]
) -> Float[np.ndarray, "rows columns"]:
    low, high = window_hu
    return np.asarray(low + levels.astype(np.float32) * np.float32((high - low) / 255), np.float32)


def _check_sizes(
    paths: Mapping[int, Path], images: Mapping[int, UInt8[np.ndarray, "_ _"]], shape: tuple[int, ...]
) -> None:
    for number, image in images.items():
        if image.shape != shape:
            own, others = (" x ".join(map(str, size)) for size in (image.shape, shape))
            raise GeometryError(f"{paths[number]}: is {own}, others of this patient {others}; restore the picture")


def _geometry(numbers: Sequence[int], shape: tuple[int, ...]) -> Geometry:
    """Slices where their numbers put them, pixels of nominal size, the patient's middle at x = y = 0."""
    pixel_mm = NOMINAL_FIELD_MM / max(shape)
    slices, (rows, columns) = len(numbers), shape
    origins_mm = np.zeros((slices, 3))
    origins_mm[:] = ((columns - 1) / 2 * pixel_mm, (rows - 1) / 2 * pixel_mm, 0.0)
    origins_mm[:, 2] = SLICE_MM * (np.array(numbers, float) - 1)
    return Geometry(
        origins_mm=origins_mm,
        row_steps_mm=np.tile([0.0, -pixel_mm, 0.0], (slices, 1)),
        column_steps_mm=np.tile([-pixel_mm, 0.0, 0.0], (slices, 1)),
        rows=rows,
        columns=columns,
        lone_slice_mm=SLICE_MM if slices == 1 else None,
    )


def _warnings(numbers: Sequence[int], bone: Mapping[int, object]) -> tuple[str, ...]:
    flat = [number for number in numbers if number not in bone]
    gaps = [number for number in range(numbers[0], numbers[-1]) if number not in numbers]
    tellers = {
        "no bone window, HU end at -20 and 100, for slice": flat,
        "pictures are missing, their gap is kept, for slice": gaps,
    }
    nominal = "HU are approximate and spacing is nominal: volumes are not to be trusted"
    return (nominal, *(f"{what} {listed(which)}" for what, which in tellers.items() if which))

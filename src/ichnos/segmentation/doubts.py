"""Whether a scan is a whole head that lies as heads do; said in plain words, and never fatal.

What is asked is simple on purpose: base and vertex are told apart by air cells and by the width of the head,
front and back by where the cavity lies in the head at the skull base, whose front is the face. Right and left
look alike: a mirrored head cannot be told.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from ichnos.preprocessing.head import find_head
from ichnos.scans.scan import Scan
from ichnos.segmentation.evidence import Evidence
from ichnos.segmentation.pixel_size import ACROSS_MM, measure_across_mm
from ichnos.segmentation.settings import SegmentationSettings

COARSE_MM = 2.0
"""Pixel at which the head is looked at."""

SMALLEST_CM2 = 10.0
"""A cavity that is nowhere as large as this is none: soft tissue between the bones of something else."""

CONTENT_HU = (8.0, 80.0)
"""The median inside a cavity that holds a brain; water is at 0."""

AIR_HU, CUT_AIR_HU = -200.0, 4.0
"""Air inside the head is below; where HU were cut off at 0, air and fat are."""

AIR_SHARE = 0.3
"""Of the air inside a head, at least this share lies in its lower half (in phantoms and the real scan 80 % or more)."""

NARROW = 0.7
"""The lower end of a head is at least this wide, measured by the area of its upper end."""

FACE_MM = 8.0
"""At the skull base the middle of the cavity lies so much behind that of the head (10 to 45 mm in 22 phantoms)."""

BASE_SHARES = (0.05, 0.6)
"""Slices in which the cavity has such a share of its largest area lie at the base, or at the vertex."""

COARSEST_MM = 1.5
"""A pixel that measures more is no longer that of a head CT (0.3 to 1 mm): thin blood and the blur of bone are one."""

NO_HEAD = "no brain was found, so no bleed was looked for; is this a head CT?"
REVERSED = "the head seems to be upside-down: the slices run from head to feet; check their order"
FACE_DOWN = "the head seems to lie face down, or the image is turned; right and left may be exchanged"
CUT_OFF = "the edge of the image cuts the skull off; volumes may be too small"
ONE_SLICE = "only one slice: which way the head lies was not checked, and the volume stands on the slice's thickness"


@dataclass(frozen=True)
class HeadShape:
    """A head on coarse pixels.

    Attributes:
        head: what is inside the skin.
        cavity: the intracranial mask.
        air: below the skin.
        pixel_mm: of a row and of a column.
    """

    head: Bool[np.ndarray, "slices rows columns"]
    cavity: Bool[np.ndarray, "slices rows columns"]
    air: Bool[np.ndarray, "slices rows columns"]
    pixel_mm: tuple[float, float]


def doubt(evidence: Evidence, settings: SegmentationSettings) -> Evidence:
    """The evidence with what is odd about the head; without a brain nothing may be bleed.

    Networks that look everywhere (`within_brain` off) keep what they found.
    """
    cavity = evidence.brain_mask.mask.voxels
    if not holds_brain(evidence.scan, cavity):
        told = replace(evidence, doubts=(NO_HEAD,))
        if not settings.within_brain:
            return told
        nothing = np.zeros_like(evidence.slice_probabilities)
        return replace(told, allowed=np.zeros_like(evidence.allowed), slice_probabilities=nothing)
    shape = find_shape(evidence.scan, cavity)
    doubts = [
        *doubt_size(evidence.scan, cavity),
        *doubt_sampling(evidence.scan),
        *doubt_order(shape),
        *doubt_front(shape),
    ]
    return replace(evidence, doubts=tuple(doubts))


def holds_brain(scan: Scan, cavity: Bool[np.ndarray, "slices rows columns"]) -> bool:
    """Whether the cavity is as large, somewhere, and its content as dense as a brain."""
    areas_cm2 = cavity.sum(axis=(1, 2)) * scan.geometry.pixel_areas_mm2 / 100.0
    if areas_cm2.max() < SMALLEST_CM2:
        return False
    return bool(CONTENT_HU[0] <= np.median(scan.voxels_hu[cavity]) <= CONTENT_HU[1])


def find_shape(scan: Scan, cavity: Bool[np.ndarray, "slices rows columns"]) -> HeadShape:
    """Head, cavity and air on every n-th pixel."""
    _, row_mm, column_mm = scan.geometry.spacing_mm
    rows, columns = (max(1, round(COARSE_MM / size)) for size in (row_mm, column_mm))
    hu = scan.voxels_hu[:, ::rows, ::columns]
    plane = np.pad(ndimage.generate_binary_structure(2, 1)[None], ((1, 1), (0, 0), (0, 0)))
    head = ndimage.binary_fill_holes(find_head(hu), plane)
    beneath_skin = ndimage.binary_erosion(head, plane, iterations=2)
    air = beneath_skin & (hu < (AIR_HU if hu.min() < AIR_HU else CUT_AIR_HU))
    return HeadShape(head, cavity[:, ::rows, ::columns], air, (row_mm * rows, column_mm * columns))


def doubt_size(scan: Scan, cavity: Bool[np.ndarray, "slices rows columns"]) -> list[str]:
    """Cut off by the edge of the image, or so large or small that the pixel spacing may be wrong."""
    edges = (cavity[:, [0, -1]], cavity[:, :, [0, -1]])
    is_cut = any(edge.any() for edge in edges)
    across_mm = measure_across_mm(scan, cavity)
    doubts = [CUT_OFF] if is_cut else []
    is_whole = 0 < cavity.sum(axis=(1, 2)).argmax() < len(cavity) - 1
    too_small = across_mm < ACROSS_MM[0] and not is_cut and is_whole
    if across_mm > ACROSS_MM[1] or too_small:
        doubts.append(
            f"the inside of the skull measures {across_mm:.0f} mm across; if the pixel spacing is wrong, "
            "so are all volumes"
        )
    return doubts


def doubt_sampling(scan: Scan) -> list[str]:
    """Pixels that are too coarse for thin blood, and a slice without neighbours."""
    largest_mm = max(scan.geometry.spacing_mm[1:])
    doubts = [ONE_SLICE] if len(scan.voxels_hu) == 1 else []
    if largest_mm > COARSEST_MM:
        doubts.append(
            f"a pixel measures {largest_mm:.1f} mm; above {COARSEST_MM} mm small and thin bleeds are missed, and "
            "blurred bone may be called blood"
        )
    return doubts


def doubt_order(shape: HeadShape) -> list[str]:
    """Slices from head to feet: at least two of three signs."""
    if len(shape.head) < 5:
        return []
    air = shape.air.sum(axis=(1, 2)) * np.prod(shape.pixel_mm)
    areas = shape.head.sum(axis=(1, 2))
    half = len(air) // 2
    lower, upper = _setback_mm(shape, slice(0, half)), _setback_mm(shape, slice(half, None))
    signs = (
        air.sum() > 0 and air[:half].sum() < AIR_SHARE * air.sum(),
        areas[:2].sum() < NARROW * areas[-2:].sum(),
        abs(upper) >= FACE_MM and abs(upper) > abs(lower) + FACE_MM / 2,
    )
    return [REVERSED] if sum(signs) >= 2 else []


def doubt_front(shape: HeadShape) -> list[str]:
    """The face behind: at the base, wherever that is, the cavity lies in front of the middle of the head."""
    half = len(shape.head) // 2
    setback_mm = max((_setback_mm(shape, slice(0, half)), _setback_mm(shape, slice(half, None))), key=abs)
    return [FACE_DOWN] if setback_mm <= -FACE_MM else []


def _setback_mm(shape: HeadShape, part: slice) -> float:
    """How far behind the middle of the head that of the cavity lies, where the cavity is small; 0 if nowhere."""
    cavity, head = shape.cavity[part].sum(axis=(1, 2)), shape.head[part].sum(axis=(1, 2))
    largest = shape.cavity.sum(axis=(1, 2)).max()
    base = (cavity > BASE_SHARES[0] * largest) & (cavity < BASE_SHARES[1] * largest) & (head > 1.5 * cavity)
    if not base.any():
        return 0.0
    middles = _middle_rows(shape.cavity[part][base]) - _middle_rows(shape.head[part][base])
    return float(middles.mean()) * shape.pixel_mm[0]


def _middle_rows(voxels: Bool[np.ndarray, "slices rows columns"]) -> Float[np.ndarray, " slices"]:
    by_row = voxels.sum(axis=2)
    return np.asarray(by_row @ np.arange(by_row.shape[1]) / by_row.sum(axis=1))

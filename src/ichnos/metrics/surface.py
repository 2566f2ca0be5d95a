"""How far the surfaces of two masks lie apart, in mm, on any stack of slices.

- Surface: the centres of mask voxels of which one of the six face neighbours lies outside the mask;
  what lies beyond the edge of the stack is outside. A lone slice has no neighbours above and below, so
  that its surface is its outline.
- Distance: straight line in mm to the nearest surface voxel of the other mask, both directions kept.
- Weight: every surface voxel counts the same, whatever the size of its faces.
- Percentiles: of each direction by linear interpolation; the larger of the two is taken.

These are MONAI's conventions. A k-d tree of surface points is searched rather than a distance
transform made: a transform needs equal distances between slices, points may lie anywhere, so that
tilted and uneven stacks are exact; and bleeds fill little of a head, so that there are few points.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from ichnos.metrics.empty_policy import choose_policy

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

ROUNDING_MM = 1e-4
"""Distances are known no better: NIfTI keeps affines in 24 bits, so that five pixels of 0.4 mm are 2.00000003 mm."""


@dataclass(frozen=True)
class VoxelPlaces:
    """Where the voxels of a stack lie, in mm.

    Attributes:
        origins_mm: centre of the voxel at row 0, column 0 of each slice.
        row_steps_mm: vector from a row to the next, in each slice.
        column_steps_mm: vector from a column to the next, in each slice.

    Those of a scan's `Geometry` have the same names; spacing alone suffices for upright stacks.
    """

    origins_mm: Float[np.ndarray, "slices 3"]
    row_steps_mm: Float[np.ndarray, "slices 3"]
    column_steps_mm: Float[np.ndarray, "slices 3"]

    @classmethod
    def from_spacing(cls, slices: int, spacing_mm: tuple[float, float, float]) -> "VoxelPlaces":
        """Evenly spaced; `spacing_mm` is (slice, row, column)."""
        return cls.from_positions(np.arange(slices) * float(spacing_mm[0]), spacing_mm[1:])

    @classmethod
    def from_positions(
        cls, slice_positions_mm: Float[np.ndarray, " slices"], pixel_spacing_mm: tuple[float, float]
    ) -> "VoxelPlaces":
        """Slices at any positions along their normal; `pixel_spacing_mm` is (row, column)."""
        steps = np.zeros((3, len(slice_positions_mm), 3))
        steps[0, :, 0], steps[1, :, 1], steps[2, :, 2] = slice_positions_mm, *pixel_spacing_mm
        return cls(*steps)

    def points_mm(self, voxels: Bool[np.ndarray, "slices rows columns"]) -> Float[np.ndarray, "points 3"]:
        """Centres of the voxels that are true."""
        z, rows, columns = np.nonzero(voxels)
        along_rows = rows[:, None] * self.row_steps_mm[z]
        return self.origins_mm[z] + along_rows + columns[:, None] * self.column_steps_mm[z]


@dataclass(frozen=True)
class SurfaceDistances:
    """Distances of each mask's surface voxels to the other mask's surface, in mm.

    Attributes:
        from_predicted_mm: one for each surface voxel of the prediction; infinite without a label.
        from_label_mm: one for each surface voxel of the label; infinite without a prediction.
    """

    from_predicted_mm: Float[np.ndarray, " predicted"]
    from_label_mm: Float[np.ndarray, " labelled"]

    @property
    def is_empty(self) -> bool:
        """Whether both masks are empty."""
        return not len(self.from_predicted_mm) and not len(self.from_label_mm)

    @property
    def is_missed(self) -> bool:
        """Whether something is labelled and nothing predicted."""
        return not len(self.from_predicted_mm) and len(self.from_label_mm) > 0

    @property
    def is_invented(self) -> bool:
        """Whether something is predicted and nothing labelled."""
        return not len(self.from_label_mm) and len(self.from_predicted_mm) > 0

    def hausdorff_mm(self, policy: str, percentile: float = 100.0, penalty_mm: float = float("inf")) -> float:
        """Hausdorff distance (HD), or with `percentile=95` HD95.

        Args:
            policy: of two empty masks; `excluded` gives NaN, the others 0 mm.
            percentile: of the distances in each direction; the larger of the two is returned.
            penalty_mm: given where just one mask is empty, under every policy. Infinite unless a
                number is named, such as the diagonal of the scan.
        """
        unmeasured = self._without_surface(policy, perfect=0.0, worst=penalty_mm)
        if unmeasured is not None:
            return unmeasured
        sides = (self.from_predicted_mm, self.from_label_mm)
        return max(float(np.percentile(side, percentile)) for side in sides)

    def mean_mm(self, policy: str, penalty_mm: float = float("inf")) -> float:
        """Average symmetric surface distance (ASSD): mean over the surface voxels of both masks.

        `policy` and `penalty_mm` as in `hausdorff_mm`.
        """
        unmeasured = self._without_surface(policy, perfect=0.0, worst=penalty_mm)
        if unmeasured is not None:
            return unmeasured
        return float(np.concatenate([self.from_predicted_mm, self.from_label_mm]).mean())

    def surface_dice(self, tolerance_mm: float, policy: str) -> float:
        """Normalised surface Dice (NSD): share of both surfaces within `tolerance_mm` of the other, in [0, 1].

        0 where just one mask is empty; where both are, NaN under `excluded`, else 1.
        """
        unmeasured = self._without_surface(policy, perfect=1.0, worst=0.0)
        if unmeasured is not None:
            return unmeasured
        return self.count_close(tolerance_mm) / (len(self.from_predicted_mm) + len(self.from_label_mm))

    def count_close(self, tolerance_mm: float) -> int:
        """Surface voxels of both masks within `tolerance_mm` of the other surface, give or take `ROUNDING_MM`."""
        both = np.concatenate([self.from_predicted_mm, self.from_label_mm])
        return int(np.count_nonzero(both <= tolerance_mm + ROUNDING_MM))

    def _without_surface(self, policy: str, perfect: float, worst: float) -> float | None:
        """What a measure is where a mask is empty; None where neither is."""
        undefined = choose_policy(policy).undefined
        if self.is_empty:
            return undefined if np.isnan(undefined) else perfect
        return worst if self.is_missed or self.is_invented else None


def measure_surfaces(
    predicted: Bool[np.ndarray, "slices rows columns"],
    label: Bool[np.ndarray, "slices rows columns"],
    places: VoxelPlaces,
) -> SurfaceDistances:
    """Distances between the surfaces of two masks on the same stack."""
    from scipy.spatial import cKDTree

    points = [places.points_mm(find_surface(mask)) for mask in (predicted, label)]
    trees = [cKDTree(side) if len(side) else None for side in points]
    return SurfaceDistances(_nearest_mm(points[0], trees[1]), _nearest_mm(points[1], trees[0]))


def find_surface(mask: Bool[np.ndarray, "slices rows columns"]) -> Bool[np.ndarray, "slices rows columns"]:
    """Voxels of the mask with a face neighbour outside it; of a lone slice, its outline."""
    surface = np.zeros_like(mask)
    if not mask.any():
        return surface
    others = ((1, 2), (0, 2), (0, 1))
    filled = [np.flatnonzero(mask.any(axis=axes)) for axes in others]
    box = tuple(slice(places[0], places[-1] + 1) for places in filled)
    inside = mask[box]
    inner = inside.copy()
    for axis in (1, 2) if len(mask) == 1 else (0, 1, 2):
        kept, neighbours = np.moveaxis(inner, axis, 0), np.moveaxis(inside, axis, 0)
        kept[1:] &= neighbours[:-1]
        kept[:-1] &= neighbours[1:]
        kept[[0, -1]] = False
    surface[box] = inside & ~inner
    return surface


def _nearest_mm(points: Float[np.ndarray, "points 3"], tree: "cKDTree | None") -> Float[np.ndarray, " points"]:
    if tree is None:
        return np.full(len(points), np.inf)
    return np.asarray(tree.query(points)[0], dtype=float)

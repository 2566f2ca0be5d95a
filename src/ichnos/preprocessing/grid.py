"""The model grid: the square of pixels that a network sees, and exactly back to the scan.

Both ways are separable linear resampling, written as one matrix for rows and one for columns, so
a slice is resampled by two matrix products and the same numbers serve a whole scan. Few weights are
not zero, so the products are sparse. The slice axis is never touched.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy import sparse

from ichnos.preprocessing.head import LARGEST_HEAD_MM, find_head_box
from ichnos.scans.scan import AIR_HU, Scan

_BAND = 16
"""Rows that are transposed together: a cache line of float32."""


@dataclass(frozen=True)
class Axis:
    """How one axis of the model grid lies on the scan's.

    Model pixel i is centred on scan pixel `start + i * step` (fractional).
    """

    length: int
    start: float
    step: float
    scan_length: int

    def to_model(self) -> Float[np.ndarray, "model scan"]:
        """Weights that average the scan pixels under each model pixel (triangle filter).

        Rows sum to less than 1 where the model grid leaves the scan; the rest is air.
        """
        centres = self.start + self.step * np.arange(self.length)
        reach = max(1.0, self.step)
        first = min(0, int(np.floor(centres[0] - reach)))
        last = max(self.scan_length, int(np.ceil(centres[-1] + reach)) + 1)
        weights = np.clip(1.0 - np.abs(np.arange(first, last) - centres[:, None]) / reach, 0.0, None)
        totals = weights.sum(axis=1, keepdims=True)
        inside = weights[:, -first : -first + self.scan_length]
        return (inside / totals).astype(np.float32)

    def to_scan(self) -> Float[np.ndarray, "scan model"]:
        """Weights that interpolate the model grid at each scan pixel; zero outside the grid.

        Pixels between the outermost model centre and its edge take the outermost value.
        """
        places = (np.arange(self.scan_length) - self.start) / self.step
        inside = (places >= -0.5) & (places <= self.length - 0.5)
        clamped = np.clip(places, 0.0, self.length - 1.0)
        weights = np.clip(1.0 - np.abs(np.arange(self.length) - clamped[:, None]), 0.0, None)
        return (weights * inside[:, None]).astype(np.float32)


@dataclass(frozen=True)
class ModelGrid:
    """A model grid placed on a scan."""

    row_axis: Axis
    column_axis: Axis

    @classmethod
    def place(
        cls, scan: Scan, image_size: int, field_of_view_mm: float | None, resized_to: int | None = None
    ) -> "ModelGrid":
        """Cover the whole slice, a square of `field_of_view_mm` around the head's centre, or the slice's middle.

        The square is larger where the head is larger than `LARGEST_HEAD_MM`, so that it is seen whole.

        The middle is what is left of a slice whose shorter side was resized to `resized_to` pixels
        when `image_size` pixels are cut out; pixels are then square.
        """
        _, rows, columns = scan.geometry.shape
        if resized_to is not None:
            shorter = min(rows, columns)
            return cls(
                _middle(rows, image_size, (shorter, resized_to)), _middle(columns, image_size, (shorter, resized_to))
            )
        if field_of_view_mm is None:
            return cls(_spanning(rows, image_size), _spanning(columns, image_size))
        _, row_mm, column_mm = scan.geometry.spacing_mm
        head = find_head_box(scan)
        side_mm = field_of_view_mm * max(1.0, head.extent_mm / LARGEST_HEAD_MM)
        return cls(
            _around(head.centre[0], side_mm / row_mm, image_size, rows),
            _around(head.centre[1], side_mm / column_mm, image_size, columns),
        )

    def to_model(
        self, voxels_hu: Float[np.ndarray, "slices rows columns"]
    ) -> Float[np.ndarray, "slices model_rows model_columns"]:
        """HU on the model grid; outside the scan is air."""
        return self._resample(voxels_hu, np.float32(AIR_HU))

    def fractions_to_model(
        self, fractions: Float[np.ndarray, "slices rows columns"]
    ) -> Float[np.ndarray, "slices model_rows model_columns"]:
        """A mask (as 0 and 1) as the fraction of each model pixel that it covers."""
        return self._resample(fractions, np.float32(0.0))

    def _resample(
        self, voxels: Float[np.ndarray, "slices rows columns"], outside: np.float32
    ) -> Float[np.ndarray, "slices model_rows model_columns"]:
        rows = sparse.csr_array(self.row_axis.to_model())
        columns = rows if self.column_axis == self.row_axis else sparse.csr_array(self.column_axis.to_model())
        resampled = np.empty((len(voxels), self.row_axis.length, self.column_axis.length), np.float32)
        lifted = np.empty(voxels.shape[1:], np.float32)
        for z, one in enumerate(voxels):
            np.subtract(one, outside, out=lifted, casting="same_kind")
            resampled[z] = (columns @ _transposed(rows @ lifted)).T
        resampled += outside
        return resampled

    def to_scan(
        self, maps: Float[np.ndarray, "slices model_rows model_columns"]
    ) -> Float[np.ndarray, "slices rows columns"]:
        """Maps interpolated on the scan's own pixels; zero where the model did not look."""
        return self.row_axis.to_scan() @ (maps @ self.column_axis.to_scan().T)


def cut_off(scan: Scan, limits_hu: tuple[float, float] | None) -> Scan:
    """The scan with HU kept within limits; as it is where there are none."""
    return scan if limits_hu is None else replace(scan, voxels_hu=np.clip(scan.voxels_hu, *limits_hu))


def _transposed(image: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "columns rows"]:
    """A transposed copy, made in bands: whole columns of 512 pixels would miss the cache at every pixel."""
    turned = np.empty(image.shape[::-1], image.dtype)
    for start in range(0, len(image), _BAND):
        turned[:, start : start + _BAND] = image[start : start + _BAND].T
    return turned


def _spanning(scan_length: int, length: int) -> Axis:
    step = scan_length / length
    return Axis(length, start=step / 2 - 0.5, step=step, scan_length=scan_length)


def _middle(scan_length: int, length: int, ratio: tuple[int, int]) -> Axis:
    """The middle `length` pixels of an axis whose pixels become `ratio[1]` for each `ratio[0]`."""
    step = ratio[0] / ratio[1]
    cut = round((scan_length * ratio[1] // ratio[0] - length) / 2)
    return Axis(length, start=(cut + 0.5) * step - 0.5, step=step, scan_length=scan_length)


def _around(centre: float, extent: float, length: int, scan_length: int) -> Axis:
    step = extent / length
    return Axis(length, start=centre - step * (length - 1) / 2, step=step, scan_length=scan_length)

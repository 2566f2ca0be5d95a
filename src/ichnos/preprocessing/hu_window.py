"""HU windows as value objects, and the sets of windows that the papers use."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ichnos.errors import UsageError


@dataclass(frozen=True)
class HuWindow:
    """A range of Hounsfield units that is spread over [0, 1].

    Attributes:
        level_hu: centre of the range.
        width_hu: its width; positive.

    >>> HuWindow(level_hu=40, width_hu=80).low_hu
    0.0
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic where a recipe holds windows

    level_hu: float
    width_hu: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.level_hu) and np.isfinite(self.width_hu) and self.width_hu > 0):
            raise UsageError(f"an HU window needs a finite level and a width above 0; got {self}")

    @property
    def low_hu(self) -> float:
        """What becomes 0."""
        return self.level_hu - self.width_hu / 2.0

    @property
    def high_hu(self) -> float:
        """What becomes 1."""
        return self.level_hu + self.width_hu / 2.0

    def apply(self, voxels_hu: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Clip to the window and scale it to [0, 1]; the scale never depends on the slice."""
        scaled = (voxels_hu - np.float32(self.low_hu)) / np.float32(self.width_hu)
        return np.clip(scaled, 0.0, 1.0)

    def stretch(self, slices_hu: Float[np.ndarray, "slices rows columns"]) -> Float[np.ndarray, "slices rows columns"]:
        """Clip to the window and scale each slice from its own range to [0, 1]; a slice of one value stays in HU."""
        clipped = np.clip(slices_hu, np.float32(self.low_hu), np.float32(self.high_hu))
        low, high = clipped.min(axis=(1, 2), keepdims=True), clipped.max(axis=(1, 2), keepdims=True)
        return np.where(high > low, (clipped - low) / np.where(high > low, high - low, 1.0), clipped)


PAPER_WINDOWS = (HuWindow(40, 120), HuWindow(80, 200), HuWindow(700, 3200))
"""Brain, subdural and bone windows for the first paper's three channels (Rasoulian et al. 2023, 4.1).

The paper gives no numbers but refers to the papers of its data sets: brain and bone are those of
Hssayeni et al. 2020, subdural that of the RSNA 2019 challenge. One set serves training and test.
"""

REFERENCE_WINDOWS = (HuWindow(40, 120), HuWindow(80, 340), HuWindow(700, 3200))
"""What the code released with the first paper does to its test set; its training set had others."""

ICHNOS_WINDOWS = (HuWindow(40, 80), HuWindow(80, 200), HuWindow(600, 2800))
"""The same three channels with the narrower brain window that radiologists read with: ours."""

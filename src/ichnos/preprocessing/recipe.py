"""How a scan becomes a network's input: settings that travel with the weights."""

from typing import Literal

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from ichnos.preprocessing.grid import ModelGrid, cut_off
from ichnos.preprocessing.hu_window import ICHNOS_WINDOWS, PAPER_WINDOWS, REFERENCE_WINDOWS, HuWindow
from ichnos.scans.scan import Scan


class Recipe(BaseModel):
    """Preprocessing of one network.

    Attributes:
        hu_windows: one channel each, in this order.
        image_size: rows and columns of the model grid.
        field_of_view_mm: side of the square around the head that the model grid covers; None
            for the whole slice, stretched to a square.
        resized_to: rows and columns that the shorter side of the whole slice is resized to before
            its middle `image_size` is cut out; None to keep the whole slice.
        cut_off_hu: lowest and highest HU that are kept, before a slice is resampled; None for all. With
            (0, 255) a scan and its 8-bit export, in which air and fat are 0 and bone is 255, are the same.
        scaling: each `window` to [0, 1], or each `slice` from its own minimum and maximum after
            windowing, as the code released with Rasoulian et al. 2023 does. That code leaves a
            slice of one value unscaled, in HU; so do we with `slice`.
        mean: subtracted from each channel after windowing to [0, 1].
        deviation: divides each channel after that. A small Swin trained from scratch on inputs
            left in [0, 1] stays at chance for hundreds of steps; standardised, it learns.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hu_windows: tuple[HuWindow, ...] = Field(min_length=1)
    image_size: PositiveInt
    field_of_view_mm: PositiveFloat | None = None
    resized_to: PositiveInt | None = None
    cut_off_hu: tuple[float, float] | None = None
    scaling: Literal["window", "slice"] = "window"
    mean: float = 0.0
    deviation: PositiveFloat = 1.0

    def place(self, scan: Scan) -> tuple[ModelGrid, Float[np.ndarray, "slices rows columns"]]:
        """The model grid on a scan, and the scan's slices on it, in HU."""
        seen = cut_off(scan, self.cut_off_hu)
        grid = ModelGrid.place(seen, self.image_size, self.field_of_view_mm, self.resized_to)
        return grid, grid.to_model(seen.voxels_hu)

    def make_channels(
        self, slices_hu: Float[np.ndarray, "slices rows columns"]
    ) -> Float[np.ndarray, "slices channels rows columns"]:
        """Window slices of the model grid into standardised float32 channels."""
        scale = HuWindow.apply if self.scaling == "window" else HuWindow.stretch
        channels = [scale(hu_window, slices_hu) for hu_window in self.hu_windows]
        stacked = np.stack(channels, axis=1).astype(np.float32)
        return (stacked - np.float32(self.mean)) / np.float32(self.deviation)


PRESETS = {
    "paper": Recipe(hu_windows=PAPER_WINDOWS, image_size=384),
    "reference": Recipe(hu_windows=REFERENCE_WINDOWS, image_size=384, resized_to=422, scaling="slice"),
    "ichnos": Recipe(hu_windows=ICHNOS_WINDOWS, image_size=128, field_of_view_mm=240.0, mean=0.35, deviation=1 / 3),
}
"""`paper`: whole slices at 384 in [0, 1] (Rasoulian et al. 2023, 4.1). `reference`:
what the code released with it does to its test set, 1.1 times larger than the network's input. `ichnos`: ours, for
small networks."""

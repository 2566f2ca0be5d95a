"""Whether numbers can be Hounsfield units of a head CT."""

import numpy as np
from jaxtyping import Shaped

from ichnos.errors import PixelError

AIR_BELOW_HU = -500.0
"""A head CT shows air around the head, at about -1000 HU."""

BONE_ABOVE_HU = 300.0
"""A head CT shows skull, at 300 to 2000 HU and more."""


BEYOND_HU = 100_000.0
"""No scanner stores values further from 0; metal reaches 30,000 on an extended scale."""


def check_hu(voxels: Shaped[np.ndarray, "i j k"], where: str) -> None:
    """Refuse values that are clearly not HU.

    Refused are arrays without any negative value (8-bit pictures, values in [0, 1], stored values
    whose intercept was lost), values far beyond metal, and arrays with neither air nor bone (cut to a brain window).
    Arrays with air but no bone, or bone but no air, pass: they may be crops.

    Raises:
        PixelError: says the range found and the way out.
    """
    low, high = float(voxels.min()), float(voxels.max())
    if -BEYOND_HU <= low < 0 and high <= BEYOND_HU and (low < AIR_BELOW_HU or high > BONE_ABOVE_HU):
        return
    raise PixelError(
        f"{where}: values from {low:g} to {high:g} are not Hounsfield units ({_guess(low, high)}); "
        "give the scan as exported from DICOM, in HU"
    )


def _guess(low: float, high: float) -> str:
    if max(-low, high) > BEYOND_HU:
        return "far beyond metal: a broken scale factor?"
    if low >= 0 and high <= 1:
        return "scaled to [0, 1]?"
    if low >= 0 and high <= 255:
        return "windowed to 8 bits?"
    if low >= 0:
        return "air should be about -1000: was 1024 added?"
    return f"neither air below {AIR_BELOW_HU:g} nor bone above {BONE_ABOVE_HU:g}: cut to a window?"

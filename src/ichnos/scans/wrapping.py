"""The 12-bit wrap: slices whose negative HU were stored as large positive values.

Some exporters (a part of RSNA 2019 among them) wrote HU into 12 bits without a sign and declared an
intercept of 0. What is below 0 came out 4096 too high: air at -1000 HU is stored as 3096.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ichnos.scans.dicom_headers import SliceHeader
from ichnos.scans.scan import AIR_HU

WRAPPED_SLICES = "slices whose 12-bit values had wrapped around"
WRAPPED_WARNING = f"repaired {{}} {WRAPPED_SLICES}: air was stored as dense metal"

BITS = 12
RANGE = 1 << BITS

LOWEST_INTERCEPT = -100.0
"""With an intercept above this, unsigned pixels cannot hold air."""

HIGHEST_STORED = RANGE + int(AIR_HU)
"""Stored values from here on (3072) stand for -1024 HU and more; bone of a 12-bit CT ends at 3071 HU.

The usual repair adds 1000 before it wraps, which leaves air between -1024 and -1001 HU as metal.
"""

AIR_SHARE = 0.005
"""Air is in more of a wrapped series than this; metal, which is left alone, is in less."""


def unwrap(headers: Sequence[SliceHeader], images_hu: Float[np.ndarray, "slices image_rows image_columns"]) -> int:
    """Bring wrapped values back, in place, and tell in how many slices.

    Touched are only slices with 12 bits stored, no sign, slope 1 and an intercept above -100, and
    only if at least `AIR_SHARE` of these slices' pixels lies where nothing but wrapped air does.
    What the intercept said is dropped there: the stored value is the HU.

    Args:
        headers: of the slices.
        images_hu: with the rescale of the headers applied.
    """
    suspects = [z for z, header in enumerate(headers) if _may_wrap(header)]
    too_high = {z: int((_stored(headers[z], images_hu[z]) >= HIGHEST_STORED).sum()) for z in suspects}
    if not suspects or sum(too_high.values()) < AIR_SHARE * images_hu[suspects[0]].size * len(suspects):
        return 0
    for z in suspects:
        stored = _stored(headers[z], images_hu[z])
        images_hu[z] = np.maximum(np.where(stored >= HIGHEST_STORED, stored - RANGE, stored), AIR_HU)
    return sum(count > 0 for count in too_high.values())


def _may_wrap(header: SliceHeader) -> bool:
    slope, intercept = header.rescale or (1.0, 0.0)
    return header.unsigned_bits == BITS and slope == 1.0 and intercept > LOWEST_INTERCEPT


def _stored(header: SliceHeader, image_hu: Float[np.ndarray, "image_rows image_columns"]) -> np.ndarray:
    return image_hu - (header.rescale or (1.0, 0.0))[1]

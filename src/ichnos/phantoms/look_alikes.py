"""Which look-alikes a head has, by feature."""

from collections.abc import Callable

import numpy as np

from ichnos.phantoms.features import Features
from ichnos.phantoms.inner_alikes import draw_calcified, draw_infarct, draw_swollen, draw_tumour
from ichnos.phantoms.look_alike import LookAlike
from ichnos.phantoms.outer_alikes import draw_fractures, draw_operated, draw_scalp
from ichnos.phantoms.probe import Probe

DRAWERS: dict[str, Callable[[np.random.Generator, Probe], tuple[LookAlike, ...]]] = {
    "pseudo-sah": draw_swollen,
    "infarct": draw_infarct,
    "tumour": draw_tumour,
    "calcified": draw_calcified,
    "scalp-haematoma": draw_scalp,
    "fractures": draw_fractures,
    "operated": draw_operated,
}
"""Feature to the function that draws its look-alikes, in the order in which they are painted."""


def draw_look_alikes(features: Features, probe: Probe) -> tuple[LookAlike, ...]:
    """Draw the look-alikes of the features that a head has."""
    return tuple(
        one for name, draw in DRAWERS.items() if name in features for one in draw(features.stream(name), probe)
    )

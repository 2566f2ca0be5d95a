"""What a voxel of a grown head can be, and how dense that is, drawn anew for each head."""

from enum import IntEnum

import numpy as np
from jaxtyping import Float


class Label(IntEnum):
    """Classes of the label volume."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    BONE = 4
    DIPLOE = 5
    CSF = 6
    GREY = 7
    WHITE = 8
    DEEP = 9
    CEREBELLUM = 10
    STEM = 11
    VENTRICLE = 12
    DURA = 13
    VEIN = 14
    GLOBE = 15
    CALCIUM = 16
    CAVE = 17


DENSITIES_HU: dict[Label, tuple[float, float]] = {
    Label.AIR: (-1000.0, -1000.0),
    Label.SKIN: (20.0, 70.0),
    Label.FAT: (-115.0, -70.0),
    Label.MUSCLE: (40.0, 68.0),
    Label.BONE: (850.0, 1700.0),
    Label.DIPLOE: (250.0, 800.0),
    Label.CSF: (0.0, 14.0),
    Label.GREY: (33.0, 42.0),
    Label.WHITE: (22.0, 31.0),
    Label.DEEP: (33.0, 42.0),
    Label.CEREBELLUM: (29.0, 39.0),
    Label.STEM: (25.0, 33.0),
    Label.VENTRICLE: (0.0, 12.0),
    Label.DURA: (40.0, 65.0),
    Label.VEIN: (42.0, 68.0),
    Label.GLOBE: (0.0, 16.0),
    Label.CALCIUM: (90.0, 320.0),
    Label.CAVE: (-1000.0, -850.0),
}
"""Lowest and highest mean of each class (typical at 120 kV; bone and calcium are partial volumes)."""


def draw_densities(rng: np.random.Generator) -> Float[np.ndarray, " labels"]:
    """HU of each class, by `Label`; all soft tissue shifts together by up to 3 HU, as calibrations differ."""
    shift = float(rng.uniform(-3.0, 3.0))
    hu = np.array([rng.uniform(*DENSITIES_HU[label]) for label in Label], dtype=np.float32)
    soft = (hu > -200.0) & (hu < 100.0)
    return np.where(soft, hu + np.float32(shift), hu)

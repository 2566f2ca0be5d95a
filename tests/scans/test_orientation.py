from itertools import permutations, product

import numpy as np
import pytest

from ichnos.scans.orientation import CANONICAL_DIRECTIONS, closest_turn
from ichnos.scans.scan import IMAGE_ORDER, Turn


def test_ordinary_dicom_needs_no_turn():
    assert closest_turn(np.diag([-0.5, -0.5, 5.0])) == IMAGE_ORDER


def test_slice_axis_can_be_told():
    nearly_coronal = np.array([[-1.0, 0, 0], [0, -0.3, 0.95], [0, -0.95, -0.3]])
    assert closest_turn(nearly_coronal).axes[0] == 1
    assert closest_turn(nearly_coronal, slice_axis=2).axes[0] == 2


@pytest.mark.parametrize("axes", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("flipped", list(product([False, True], repeat=3)), ids=str)
def test_every_order_and_flip_is_found_also_when_sheared(axes, flipped):
    canonical = CANONICAL_DIRECTIONS.copy()
    canonical[1] += [0, 0, -0.3]  # a tilted gantry: rows also go down
    canonical[2] += [0, 0.1, 0]  # a turned head
    steps = np.empty((3, 3))
    for canonical_axis, (source_axis, flip) in enumerate(zip(axes, flipped, strict=True)):
        steps[:, source_axis] = canonical[canonical_axis] * (-5.0 if flip else 5.0)
    assert closest_turn(steps) == Turn(axes, flipped)

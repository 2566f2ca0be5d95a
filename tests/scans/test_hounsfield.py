import re

import numpy as np
import pytest

from ichnos.errors import PixelError
from ichnos.scans.hounsfield import check_hu


def between(low, high):
    return np.linspace(low, high, 24).reshape(2, 3, 4)


@pytest.mark.parametrize(("low", "high"), [(-1024, 2000), (-3024, 100), (-100, 1500), (-1000, -900)])
def test_hu_pass(low, high):
    check_hu(between(low, high), "x.nii")


@pytest.mark.parametrize(
    ("low", "high", "guess"),
    [
        (0, 1, r"scaled to \[0, 1\]\?"),
        (0, 255, "windowed to 8 bits"),
        (0, 4095, "was 1024 added"),
        (-1000, 2e6, "far beyond metal"),
        (-40, 120, "neither air below -500 nor bone above 300: cut to a window"),
    ],
)
def test_what_is_not_hu_is_refused(low, high, guess):
    with pytest.raises(
        PixelError, match=rf"^x.nii: values from {low:g} to {re.escape(format(high, 'g'))} are not .*{guess}.*in HU$"
    ):
        check_hu(between(low, high), "x.nii")

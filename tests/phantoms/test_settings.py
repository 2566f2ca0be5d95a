import dataclasses

import pytest

from ichnos.errors import UsageError
from ichnos.phantoms import SUBTYPES, PhantomSettings


def test_defaults_are_usable_and_frozen():
    settings = PhantomSettings()
    assert settings.subtypes == SUBTYPES
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.slices = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"slices": 0}, "slices must be at least 1; got 0"),
        ({"rows": 8}, "rows must be at least 16; got 8"),
        ({"thickness_planes": 0}, "thickness_planes must be at least 1; got 0"),
        ({"bleed_probability": 1.5}, r"bleed_probability must lie in \[0, 1\]; got 1.5"),
        ({"rotation_degrees": 90.0}, r"rotation_degrees must lie in \[0, 45\]; got 90.0"),
        ({"gap_mm": (5.0, 3.0)}, r"gap_mm must be \(low, high\) .*; got \(5.0, 3.0\)"),
        ({"tilt_degrees": (0.0, 80.0)}, r"tilt_degrees .*-30 <= low <= high <= 30; got \(0.0, 80.0\)"),
        ({"subtypes": ("epidural", "other")}, "subtypes must be some of epidural, .*; got other"),
        ({"subtypes": ()}, "subtypes must be some of .*; got none"),
    ],
)
def test_wrong_values_are_refused_in_one_line(wrong, message):
    with pytest.raises(UsageError, match=message) as caught:
        PhantomSettings(**wrong)
    assert "\n" not in str(caught.value)

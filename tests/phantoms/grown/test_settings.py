import pytest

from ichnos.errors import UsageError
from ichnos.phantoms.grown.settings import GrownSettings


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"slices": 0}, "slices must be at least 1; got 0"),
        ({"size": 8}, "size must be at least 16; got 8"),
        ({"angles": 4}, "angles must be at least 8; got 4"),
        ({"gap_mm": (5.0, 4.0)}, "gap_mm must be"),
        ({"field_of_view_mm": (0.0, 4.0)}, "field_of_view_mm must be"),
        ({"bleed_probability": 1.5}, "must lie in"),
        ({"subtypes": ("epidural", "nasal")}, "got nasal"),
        ({"subtypes": ()}, "got none"),
    ],
)
def test_nonsense_is_refused(choices, said):
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        GrownSettings(**choices)

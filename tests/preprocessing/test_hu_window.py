import numpy as np
import pytest

from ichnos.errors import UsageError
from ichnos.preprocessing.hu_window import ICHNOS_WINDOWS, PAPER_WINDOWS, HuWindow


def test_window_is_clipped_and_scaled_by_hand() -> None:
    hu = np.array([-1024.0, 0.0, 20.0, 40.0, 80.0, 3000.0], dtype=np.float32)
    np.testing.assert_allclose(HuWindow(40, 80).apply(hu), [0.0, 0.0, 0.25, 0.5, 1.0, 1.0])
    assert HuWindow(40, 80).apply(hu).dtype == np.float32


@pytest.mark.parametrize(("level", "width"), [(40, 0), (40, -1), (float("nan"), 80), (40, float("inf"))])
def test_a_window_without_width_is_refused(level: float, width: float) -> None:
    with pytest.raises(UsageError, match="a width above 0"):
        HuWindow(level, width)


def test_published_windows() -> None:
    assert [(window.low_hu, window.high_hu) for window in PAPER_WINDOWS] == [(-20, 100), (-20, 180), (-900, 2300)]
    assert [(window.low_hu, window.high_hu) for window in ICHNOS_WINDOWS] == [(0, 80), (-20, 180), (-800, 2000)]


def test_stretching_uses_each_slices_own_range() -> None:
    slices_hu = np.array([[[0.0, 40.0]], [[10.0, 10.0]]], dtype=np.float32)
    found = HuWindow(40, 80).stretch(slices_hu)
    np.testing.assert_array_equal(found, [[[0.0, 1.0]], [[10.0, 10.0]]])

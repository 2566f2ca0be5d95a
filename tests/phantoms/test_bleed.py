import numpy as np
import pytest

from ichnos.phantoms.bleed import Bleed, Wish, bleed_fields, dilation_mm, fresh_hu, log_uniform, wished_side
from ichnos.phantoms.fields import Points

LINE = Points(*(np.array(v, np.float32).reshape(1, 1, -1) for v in ([-2.0, 0.0, 2.0, 9.0], [0.0] * 4, [0.0] * 4)))


def made(subtype="subdural", **choices):
    return Bleed(subtype, lambda points, fields: points.x - 3.0, 60.0, 2.0, **choices)


def test_fields_of_a_bleed_see_only_what_it_can_fill():
    seen = {}

    def keep(points, region):
        seen["region"] = region
        return region + 1.0

    fields = {"cavity": np.full((1, 1, 4), -1.0, np.float32), "ventricles": np.full((1, 1, 4), 4.0, np.float32)}
    found = bleed_fields((made(), made("intraventricular", halo=keep)), LINE, fields)
    assert list(found) == ["bleed-0", "bleed-1", "halo-1"]
    assert found["bleed-0"].ravel().tolist() == [-5.0, -3.0, -1.0, 6.0]
    assert seen["region"].ravel().tolist() == [4.0, 4.0, 4.0, 6.0]


def test_the_widest_ventricle_counts():
    assert dilation_mm(()) == 0.0
    assert dilation_mm((made(), made(dilates_mm=3.0), made(dilates_mm=2.0))) == 3.0


def test_a_wish_for_a_side_is_granted():
    rng = np.random.default_rng(0)
    assert all(wished_side(rng, Wish("subdural", side=-1.0)) == -1.0 for _ in range(8))
    assert {wished_side(rng, Wish("subdural")) for _ in range(20)} == {-1.0, 1.0}


def test_draws_keep_their_ranges():
    rng = np.random.default_rng(1)
    sizes = np.array([log_uniform(rng, 1.0, 100.0) for _ in range(500)])
    assert 1.0 <= sizes.min() < sizes.max() <= 100.0
    assert np.median(sizes) == pytest.approx(10.0, rel=0.4)
    assert all(50 <= fresh_hu(rng)[0] <= 82 for _ in range(20))

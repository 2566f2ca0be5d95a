import numpy as np

from ichnos.phantoms.fields import Points
from ichnos.phantoms.look_alike import LookAlike, look_alike_fields

POINTS = Points(*np.meshgrid(*(np.linspace(-20, 20, 5, dtype=np.float32),) * 3, indexing="ij"))
FIELDS = {"skin": np.zeros((5, 5, 5), np.float32), "cavity": np.full((5, 5, 5), 10.0, np.float32)}


def test_nothing_adds_no_field():
    assert look_alike_fields((), POINTS, FIELDS) == {}


def test_the_skin_rises_over_a_swelling_and_nowhere_else():
    swelling = LookAlike(lambda points, fields: points.x * 2.0, "scalp", 50.0, swell_mm=6.0)
    skin = look_alike_fields((swelling,), POINTS, FIELDS)["skin"]
    assert np.allclose(skin[0], -6.0)
    assert np.allclose(skin[-1], 0.0)

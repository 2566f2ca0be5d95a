import numpy as np
import pytest

from ichnos.phantoms.face import face_fields
from ichnos.phantoms.fields import Points
from ichnos.phantoms.head import draw_head, surfaces


@pytest.fixture(scope="module")
def fields():
    axis = np.arange(-100.0, 100.0, 4.0, dtype=np.float32)
    points = Points(*np.meshgrid(axis, axis, axis, indexing="ij"))
    head = draw_head(np.random.default_rng(2))
    return face_fields(head, points, surfaces(head, points)) | {"x": points.x, "y": points.y, "z": points.z}


def test_eyes_are_two_in_front_and_inside_their_orbits(fields):
    globe = fields["globe"] < -2.0
    assert (fields["y"][globe] > 40).all()
    assert (fields["x"][globe] > 0).sum() == (fields["x"][globe] < 0).sum() > 0
    assert (fields["orbit"][globe] < 10).all()


def test_air_and_cells_are_low_in_the_head(fields):
    assert (fields["z"][fields["air"] < 0] < 5).all()
    assert (fields["z"][fields["cells"] > 0] < -10).all()
    assert (np.abs(fields["x"][fields["cells"] > 0.1]) > 20).all()


def test_muscle_and_fat_are_both_there(fields):
    low = fields["z"] < -60
    assert 0.1 < (fields["lean_meat"][low] > 0).mean() < 0.95


def test_bones_of_the_face_are_below_the_cavity(fields):
    bones = fields["face_bone"] < 0
    assert bones.any()
    assert (fields["z"][bones] < 0).all()

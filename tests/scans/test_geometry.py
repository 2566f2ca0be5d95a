import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ichnos.errors import GeometryError
from ichnos.scans.geometry import Geometry


def stack(heights_mm, *, tilt_degrees=0.0, rows=4, columns=5, lone_slice_mm=None):
    """Axial slices at these heights along the body axis, pixels 0.7 x 0.5 mm, gantry tilted."""
    count, angle = len(heights_mm), np.radians(tilt_degrees)
    return Geometry(
        origins_mm=np.array([[10.0, 20.0, height] for height in heights_mm]),
        row_steps_mm=np.tile([0.0, -0.7 * np.cos(angle), -0.7 * np.sin(angle)], (count, 1)),
        column_steps_mm=np.tile([-0.5, 0.0, 0.0], (count, 1)),
        rows=rows,
        columns=columns,
        lone_slice_mm=lone_slice_mm,
    )


def test_normal_points_to_the_head():
    np.testing.assert_allclose(stack([0, 5]).normal, [0, 0, 1])


def test_gaps_run_along_the_normal_not_along_the_table():
    tilted = stack([0, 4, 10], tilt_degrees=30)
    np.testing.assert_allclose(tilted.gaps_mm, np.array([4, 6]) * np.cos(np.radians(30)))
    assert tilted.tilt_degrees == pytest.approx(30)


def test_extents_are_half_way_to_the_neighbours():
    np.testing.assert_allclose(stack([0, 4, 5, 12]).slice_extents_mm, [4, 2.5, 4, 7])


def test_spacing_is_the_median():
    assert stack([0, 4, 8, 15]).spacing_mm == pytest.approx((4, 0.7, 0.5))


def test_volume_by_hand():
    voxels = np.zeros((3, 4, 5), bool)
    voxels[1, 1, 1:4] = True  # 3 pixels of 0.35 mm2, standing for (4 + 6) / 2 mm
    assert stack([0, 4, 10]).volume_ml(voxels) == pytest.approx(3 * 0.35 * 5 / 1000)


def test_centroid_by_hand():
    voxels = np.zeros((3, 4, 5), bool)
    voxels[1, 2, 3] = True
    np.testing.assert_allclose(stack([0, 4, 10]).centroid_mm(voxels), [10 - 1.5, 20 - 1.4, 4])


def test_centroid_weighs_by_what_slices_stand_for():
    voxels = np.zeros((3, 4, 5), bool)
    voxels[:2, 0, 0] = True  # slices that stand for 4 and 5 mm, at 0 and 4 mm
    assert stack([0, 4, 10]).centroid_mm(voxels)[2] == pytest.approx(4 * 5 / 9)


def test_empty_mask_has_no_centroid():
    with pytest.raises(GeometryError, match="empty mask has no centroid"):
        stack([0, 5]).centroid_mm(np.zeros((2, 4, 5), bool))


def test_slices_must_rise():
    with pytest.raises(GeometryError, match=r"slice 2 lies -1.000 mm after slice 1"):
        stack([0, 5, 4])


def test_lone_slice():
    lone = stack([3.0], lone_slice_mm=5.0)
    assert lone.slice_extents_mm.tolist() == [5.0]
    assert lone.spacing_mm[0] == 5.0
    assert lone.tilt_degrees == 0.0
    np.testing.assert_allclose(lone.affine[:3, 0], [0, 0, 5])
    assert lone.is_affine


def test_lone_slice_of_unknown_thickness_has_no_volume():
    with pytest.raises(GeometryError, match="give `lone_slice_mm`"):
        _ = stack([3.0]).voxel_volumes_ml


@pytest.mark.parametrize(("heights", "even"), [([0, 5, 10], True), ([0, 5, 10.04], True), ([0, 5, 11], False)])
def test_is_affine(heights, even):
    assert stack(heights).is_affine is even


def test_affine_of_uneven_slices_is_right_at_both_ends():
    affine = stack([0, 1, 10]).affine
    np.testing.assert_allclose(affine @ [0, 0, 0, 1], [10, 20, 0, 1])
    np.testing.assert_allclose(affine @ [2, 0, 0, 1], [10, 20, 10, 1])


@pytest.mark.parametrize("tilt_degrees", [0, 20])
def test_from_affine_undoes_affine(tilt_degrees):
    geometry = stack([0, 5, 10], tilt_degrees=tilt_degrees)
    again = Geometry.from_affine(geometry.affine, geometry.shape)
    np.testing.assert_allclose(again.origins_mm, geometry.origins_mm, atol=1e-12)
    np.testing.assert_allclose(again.row_steps_mm, geometry.row_steps_mm)
    assert again.lone_slice_mm is None


def test_from_affine_of_one_slice_measures_along_the_normal():
    geometry = stack([0, 5], tilt_degrees=60)
    assert Geometry.from_affine(geometry.affine, (1, 4, 5)).lone_slice_mm == pytest.approx(2.5)


def test_singular_affine_is_refused():
    with pytest.raises(GeometryError, match="singular"):
        Geometry.from_affine(np.diag([0.0, 1, 1, 1]), (2, 2, 2))


@given(
    entries=st.lists(st.floats(-0.4, 0.4), min_size=9, max_size=9),
    scales=st.tuples(*[st.floats(0.2, 8)] * 3),
    slices=st.integers(1, 4),
)
def test_voxel_volume_is_the_determinant_of_the_affine(entries, scales, slices):
    affine = np.eye(4)
    affine[:3, :3] = (np.array([[0, 0, -1.0], [0, -1, 0], [1, 0, 0]]) + 0.5 * np.reshape(entries, (3, 3))) * scales
    geometry = Geometry.from_affine(affine, (slices, 2, 3))
    voxels = np.ones((slices, 2, 3), bool)
    assert geometry.volume_ml(voxels) == pytest.approx(voxels.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000)

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ichnos.errors import GeometryError
from ichnos.scans.geometry import Geometry
from ichnos.scans.scan import IMAGE_ORDER, Mask, Scan, Source, Turn, take_slice

AXES = list(permutations(range(3)))
FLIPS = list(product([False, True], repeat=3))
GEOMETRY = Geometry.from_affine(np.array([[0.0, 0, -0.5, 9], [0.2, -0.7, 0, 8], [5, 0, 0, 7], [0, 0, 0, 1]]), (3, 4, 5))


@given(turn=st.builds(Turn, axes=st.sampled_from(AXES), flipped=st.sampled_from(FLIPS)))
def test_turn_and_back_is_the_same(turn):
    source = np.arange(3 * 4 * 5).reshape(3, 4, 5)
    canonical = turn.to_canonical(source)
    np.testing.assert_array_equal(turn.to_source(canonical), source)


@given(turn=st.builds(Turn, axes=st.sampled_from(AXES), flipped=st.sampled_from(FLIPS)), data=st.data())
def test_indices_tell_where_a_voxel_goes(turn, data):
    source = np.zeros((3, 4, 5), bool)
    index = tuple(data.draw(st.integers(0, length - 1)) for length in source.shape)
    source[index] = True
    canonical = turn.to_canonical(source)
    expected = np.argwhere(canonical)[0]
    np.testing.assert_array_equal((turn.indices(canonical.shape) @ [*index, 1])[:3], expected)


@pytest.mark.parametrize("turn", [Turn(axes, flips) for axes in AXES for flips in FLIPS], ids=str)
def test_source_affine_puts_every_voxel_at_the_same_place(turn):
    source = turn.to_source(np.zeros(GEOMETRY.shape))
    corner = np.array(source.shape) - 1
    z, row, column = (turn.indices(GEOMETRY.shape) @ [*corner, 1])[:3]
    there = GEOMETRY.points_mm(np.array([z]), np.array([row]), np.array([column]))[0]
    np.testing.assert_allclose((turn.source_affine(GEOMETRY) @ [*corner, 1])[:3], there, atol=1e-9)


def test_image_order_is_column_row_slice():
    assert IMAGE_ORDER.to_source(np.zeros((3, 4, 5))).shape == (5, 4, 3)


@pytest.mark.parametrize(
    "make", [lambda: Scan(np.zeros((1, 1, 1)), GEOMETRY), lambda: Mask(np.zeros((1, 1, 1), bool), GEOMETRY)]
)
def test_shape_must_fit_geometry(make):
    with pytest.raises(GeometryError, match=r"shape \(1, 1, 1\), their geometry \(3, 4, 5\)"):
        make()


def test_mask_measures():
    voxels = np.zeros(GEOMETRY.shape, bool)
    voxels[1, 2, 3] = True
    mask = Mask(voxels, GEOMETRY)
    assert mask.volume_ml == pytest.approx(0.5 * 0.7 * 5 / 1000)
    np.testing.assert_allclose(mask.centroid_mm, [9 - 1.5, 8 + 0.2 - 1.4, 12])


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("end", [0, -1])
def test_touches_edge(axis, end):
    voxels = np.zeros(GEOMETRY.shape, bool)
    voxels[1, 1:3, 1:4] = True
    assert not Mask(voxels, GEOMETRY).touches_edge
    np.moveaxis(voxels, axis, 0)[end] = True
    assert Mask(voxels, GEOMETRY).touches_edge


@pytest.mark.parametrize("place", [(0, 0, 2), (0, 3, 2), (0, 2, 0), (0, 2, 4)])
def test_a_lone_slice_has_edges_within_its_plane_alone(place):
    geometry = Geometry.from_affine(np.array([[0.0, 0, -1, 0], [0, -1, 0, 0], [5, 0, 0, 0], [0, 0, 0, 1]]), (1, 4, 5))
    voxels = np.zeros((1, 4, 5), bool)
    voxels[0, 1:3, 1:4] = True
    assert not Mask(voxels, geometry).touches_edge
    voxels[place] = True
    assert Mask(voxels, geometry).touches_edge


def test_scans_remember_nothing_by_default():
    scan = Scan(np.zeros(GEOMETRY.shape), GEOMETRY)
    assert scan.source == Source()
    assert replace(scan, warnings=("odd",)).warnings == ("odd",)


@pytest.mark.parametrize(("z", "extent_mm"), [(0, 4.0), (1, 5.0), (2, 6.0)])
def test_a_slice_alone_keeps_its_place_and_what_it_stands_for(z, extent_mm):
    origins_mm = GEOMETRY.origins_mm.copy()
    origins_mm[1] = origins_mm[0] + (origins_mm[2] - origins_mm[0]) * 0.4
    uneven = replace(GEOMETRY, origins_mm=origins_mm)
    gaps_mm = uneven.gaps_mm
    assert gaps_mm[1] / gaps_mm[0] == pytest.approx(1.5)
    scan = Scan(np.random.default_rng(0).normal(size=GEOMETRY.shape), uneven, warnings=("odd",))
    one = take_slice(scan, z)
    assert one.geometry.slice_extents_mm == pytest.approx([extent_mm * gaps_mm[0] / 4.0])
    np.testing.assert_array_equal(one.geometry.origins_mm, origins_mm[z : z + 1])
    np.testing.assert_array_equal(one.voxels_hu, scan.voxels_hu[z : z + 1])
    assert one.warnings == ("odd",)

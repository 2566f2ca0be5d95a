import importlib.util
from dataclasses import replace

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from ichnos.errors import UsageError
from ichnos.phantoms import PhantomSettings, make_phantom, template
from ichnos.phantoms.brain import draw_brain
from ichnos.phantoms.fields import Noise, Points
from ichnos.phantoms.head import draw_head
from ichnos.phantoms.template import draw_subject, hull_distance, load_template, sample_template, template_fields

AXIS = np.arange(-96.0, 96.0, 4.0, dtype=np.float32)
GRID = Points(*np.meshgrid(AXIS, AXIS, AXIS, indexing="ij"))
STILL = Noise(np.zeros((4, 4, 4), np.float32), 10.0)


def subject_of(seed, **atrophy):
    rng = np.random.default_rng(seed)
    head, brain = draw_head(rng), draw_brain(rng)
    return draw_subject(np.random.default_rng(seed), head, replace(brain, **atrophy))


def volume_ml(inside, step_mm):
    return float(inside.sum()) * step_mm**3 / 1000.0


def test_maps_are_read_at_the_place_that_their_header_says():
    path = template._paths()[0]
    image = nibabel.load(path)
    places = np.array([[30.0, 10.0, 0.0], [-40.0, -60.0, 30.0], [-12.0, -18.0, 8.0]])
    voxels = nibabel.affines.apply_affine(np.linalg.inv(image.affine), places).round().astype(int)
    expected = np.asarray(image.dataobj)[tuple(voxels.T)]
    wanted = np.ones((1, 3), bool)
    found = sample_template(subject_of(0), [places[None, :, i].astype(np.float32) for i in range(3)], wanted)
    tissue = np.maximum(found["tissue"], 64.0 / 255.0)
    np.testing.assert_allclose((found["grey"] * tissue * 255.0)[0], expected, atol=0.01)


def test_ventricles_are_where_atlases_show_them():
    maps = load_template()
    for place in ((-8.0, 10.0, 14.0), (8.0, 10.0, 14.0), (0.0, -14.0, -2.0), (0.0, -43.0, -32.0)):
        assert maps.ventricles[tuple((np.array(place) - template.FIRST_MM).astype(int))] < 0.5, place
    assert maps.ventricles[tuple((np.array((30.0, 0.0, 30.0)) - template.FIRST_MM).astype(int))] > 5.0
    assert 12.0 < volume_ml(maps.ventricles < 0, 1.0) < 35.0  # healthy young adults (typical)


@pytest.mark.parametrize("seed", range(3))
def test_the_hull_is_a_likely_cavity(seed):
    inside = hull_distance(subject_of(seed), GRID) < 0
    assert 1100.0 < volume_ml(inside, 4.0) < 1950.0
    assert not inside[[0, -1]].any()


def test_ventricles_and_fluid_grow_with_atrophy():
    young, old = subject_of(1, atrophy=0.1, ventricle_scale=0.75), subject_of(1, atrophy=0.9, ventricle_scale=1.4)
    zero = np.zeros_like(GRID.x)
    small, large = (template_fields(one, GRID, zero)["ventricles"] < 0 for one in (young, old))
    assert 1.4 < large.sum() / small.sum() < 15.0
    assert young.cut < old.cut
    assert volume_ml(hull_distance(young, GRID) < 0, 4.0) < volume_ml(hull_distance(old, GRID) < 0, 4.0)


def test_walls_move_by_the_wanted_distance():
    still = replace(subject_of(2), coarse=(STILL,) * 3, fine=(STILL,) * 3, lean=(0.0, 0.0, 0.0), scale=(1.0, 1.0, 1.0))
    still = replace(still, shift_mm=(0.0, 0.0, 0.0))
    x = np.linspace(5.0, 40.0, 141, dtype=np.float32)[None, None]
    line = Points(x, np.full_like(x, -10.0), np.full_like(x, 20.0))
    edges = []
    for moved_mm in (0.0, 4.0):
        distance = template_fields(replace(still, ventricle_mm=moved_mm), line, np.zeros_like(x))["ventricles"][0, 0]
        edges.append(x[0, 0, np.nonzero(distance < 0)[0][-1]])
    assert 2.5 < edges[1] - edges[0] < 5.5


def test_wide_ventricles_have_no_islands():
    wide = replace(subject_of(3), ventricle_mm=12.0)
    inside = template_fields(wide, GRID, np.zeros_like(GRID.x))["ventricles"] < 0
    filled = ndimage.binary_fill_holes(inside)
    assert (filled & ~inside).sum() < 0.01 * inside.sum()


def test_without_the_wheel_the_way_out_is_named(monkeypatch):
    monkeypatch.setattr(template, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'ichnos\[template\]'"):
        load_template.__wrapped__()
    assert importlib.util.find_spec("nilearn") is not None


def test_a_phantom_on_the_template_bleeds_inside_its_cavity():
    settings = PhantomSettings(
        slices=5, rows=64, columns=64, gap_mm=(3.0, 20.0), bleed_probability=1.0, features={"template": 1.0}
    )
    one, other = make_phantom(3, settings), make_phantom(3, settings)
    assert np.array_equal(one.scan.voxels_hu, other.scan.voxels_hu)
    assert one.features == {"template"}
    assert one.bleed_mask.any()
    assert one.brain_mask[one.bleed_mask].mean() > 0.97
    assert 15.0 < np.median(one.scan.voxels_hu[one.brain_mask]) < 50.0

import numpy as np
import pytest
from phantoms.painted_scene import painted, plane_values

from ichnos.phantoms.fields import Points
from ichnos.phantoms.sutures import draw_sutures, suture_fields


def at(*places):
    x, y, z = np.array(places, dtype=np.float32).T
    return Points(*(v[None, None] for v in (x, y, z)))


def test_seams_part_frontal_parietal_and_occipital_bone():
    frontal, parietal, occipital = (20.0, 65.0, 30.0), (55.0, -20.0, 45.0), (20.0, -85.0, 0.0)
    for seed in range(10):
        found = suture_fields(draw_sutures(np.random.default_rng(seed)), at(frontal, parietal, occipital))
        assert (found["seam"][0, 0] > 0).tolist() == [False, True, False]
        assert found["sagittal_seam_mm"][0, 0, 0] == found["sagittal_seam_mm"][0, 0, 2] == 0.0


def test_sagittal_suture_lies_near_the_midline():
    line = at(*((float(x), -30.0, 75.0) for x in range(-12, 13)))
    found = suture_fields(draw_sutures(np.random.default_rng(0)), line)
    assert np.abs(found["sagittal_seam"][0, 0, [0, -1]]).min() > 5.0
    assert np.abs(found["sagittal_seam"]).min() < 1.0


def test_sutures_end_at_the_base():
    low = at((60.0, 38.0, -30.0), (45.0, -60.0, -50.0), (0.0, 0.0, -30.0))
    found = suture_fields(draw_sutures(np.random.default_rng(3)), low)
    assert not found["seam_mm"].any()
    assert not found["sagittal_seam_mm"].any()


def test_heads_differ_and_some_are_nearly_fused():
    widest = [max(draw_sutures(np.random.default_rng(seed)).half_mm) for seed in range(60)]
    assert min(widest) < 0.4
    assert 0.9 < max(widest) <= 1.15


@pytest.mark.parametrize(("name", "seed"), [("seam", 11), ("sagittal_seam", 11), ("seam", 12)])
def test_a_suture_is_darker_than_the_bone_beside_it(monkeypatch, name, seed):
    grid, content, layers, _ = painted(
        monkeypatch, seed, slices=24, rows=160, columns=160, gap_mm=(3.0, 7.0), bleed_probability=0.0, distractors=False
    )
    away, half, cavity, skull = (
        plane_values(grid, content, field) for field in (name, f"{name}_mm", "cavity", "skull")
    )
    table = (cavity > 0.5) & (skull < -0.5) & (half > 0.2) & (half < 2.0)
    line, beside = table & (np.abs(away) < 0.5), table & (np.abs(away) > 4.0) & (np.abs(away) < 12.0)
    assert line.sum() > 20
    assert layers.voxels_hu[line].mean() < 0.8 * layers.voxels_hu[beside].mean()


@pytest.mark.parametrize("seed", range(6))
def test_epidural_bleed_stays_under_one_bone(monkeypatch, seed):
    grid, content, layers, _ = painted(
        monkeypatch, seed, bleed_probability=1.0, subtypes=("epidural",), distractors=False, thickness_planes=1
    )
    side = np.sign(plane_values(grid, content, "seam"))[layers.bleeds["epidural"] > 0.5]
    assert side.size
    assert np.abs(side.mean()) == 1.0

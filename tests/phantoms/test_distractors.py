import numpy as np
from phantoms.painted_scene import painted

from ichnos.phantoms.distractors import distractor_fields, draw_distractors
from ichnos.phantoms.fields import Points, ellipsoid
from ichnos.phantoms.probe import Probe

PROBE = Probe(lambda points: ellipsoid(points, (0.0, 0.0, 0.0), (67.0, 85.0, 75.0)), -60.0, 80.0)


def drawn(seed, enabled=True):
    return draw_distractors(np.random.default_rng(seed), PROBE, enabled)


def test_every_kind_turns_up_and_none_when_switched_off():
    heads = [drawn(seed) for seed in range(60)]
    assert any(head.infarcts for head in heads)
    assert any(head.vessels for head in heads)
    assert any(head.faint for head in heads)
    assert any(head.fracture for head in heads)
    off = drawn(0, enabled=False)
    assert (off.infarcts, off.vessels, off.faint, off.fracture) == ((), (), (), None)
    assert off.calcium == drawn(0).calcium[:3]


def test_choroid_plexus_is_calcified_on_both_sides():
    _, right, left = drawn(4).calcium[:3]
    assert right[0][0] > 10 > -10 > left[0][0]


def test_fields_are_negative_at_the_places():
    head = drawn(4)
    place = head.calcium[1][0]
    at = Points(*(np.full((1, 1, 1), v, np.float32) for v in place))
    assert distractor_fields(head, at)["calcium"][0, 0, 0] < 0


def test_distractors_change_the_image_but_no_truth(monkeypatch):
    for seed in range(30):
        if drawn_content := painted(monkeypatch, seed, bleed_probability=0.0)[1].distractors.infarcts:
            break
    assert drawn_content
    _, _, with_them, marked = painted(monkeypatch, seed, bleed_probability=0.0)
    _, _, without, plain = painted(monkeypatch, seed, bleed_probability=0.0, distractors=False)
    assert not np.array_equal(with_them.voxels_hu, without.voxels_hu)
    assert np.array_equal(marked.brain_mask, plain.brain_mask)
    assert marked.bleed_masks == {}

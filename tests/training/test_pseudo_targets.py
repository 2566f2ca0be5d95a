import json
from dataclasses import replace

import numpy as np
import pytest
from objectives import RECIPE, knowing_teacher, phantom_store
from tiny import made_store

from ichnos.cohorts.slice_store import BLEED, MARKS
from ichnos.errors import UsageError
from ichnos.segmentation.segmenter import Segmenter
from ichnos.training import pseudo_targets
from ichnos.training.pseudo_targets import identify_store, open_pseudo_targets, soften, write_pseudo_targets

ALL = np.arange(40)


@pytest.fixture
def store():
    made = made_store(size=32)
    made.labels[38:] = -1
    return made


@pytest.fixture
def teacher(store, monkeypatch):
    return knowing_teacher(store, monkeypatch)


def test_blood_at_the_threshold_becomes_one_half(store, teacher, tmp_path):
    made = write_pseudo_targets(teacher, store, tmp_path)
    blood = ((store.marks & BLEED) != 0) & (store.labels[:, 0] == 1)[:, None, None]
    np.testing.assert_array_equal(made.values[ALL], np.where(blood, 128, 0))


def test_healthy_slices_have_an_empty_target_and_unlabelled_ones_none(store, teacher, tmp_path):
    made = write_pseudo_targets(teacher, store, tmp_path)
    assert not made.values[np.flatnonzero(store.labels[:, 0] == 0)].any()
    np.testing.assert_array_equal(made.is_usable, store.labels[:, 0] >= 0)
    assert not made.values[np.array([38, 39])].any()


def test_an_unlabelled_slice_has_no_target_beside_a_labelled_one(monkeypatch, tmp_path):
    store = made_store(size=32, patients=5)
    store.labels[36] = -1  # the teacher sees blood there
    made = write_pseudo_targets(knowing_teacher(store, monkeypatch), store, tmp_path)
    assert made.values[np.array([32])].any()
    assert not made.values[np.array([36])].any()
    assert np.flatnonzero(~made.is_usable).tolist() == [36]


def test_a_bleed_that_the_teacher_does_not_see_has_no_target(store, monkeypatch, tmp_path):
    made = write_pseudo_targets(knowing_teacher(store, monkeypatch, seen=0.4, gate=0.5), store, tmp_path)
    np.testing.assert_array_equal(made.is_usable, store.labels[:, 0] == 0)
    assert not made.values[ALL].any()


def test_without_refining_the_cavity_alone_bounds_the_maps(store, teacher, tmp_path):
    made = write_pseudo_targets(teacher, store, tmp_path, refine=False)
    blood = (store.marks & BLEED) != 0
    beside = ((store.marks & MARKS["brain"]) != 0) & ~blood
    row = 4
    assert (made.values[np.array([row])][0][blood[row]] == 128).all()
    expected = round(255 * 0.125 ** (np.log(0.5) / np.log(0.25)))
    assert (made.values[np.array([row])][0][beside[row]] == expected).all()


@pytest.mark.parametrize("threshold", [0.01, 0.06, 0.37, 0.8])
def test_softening_keeps_order_and_ends(threshold):
    values = np.array([[[0.0, threshold / 2, threshold, (1 + threshold) / 2, 1.0]]])
    soft = soften(values, threshold)[0, 0]
    assert soft[[0, 2, 4]].tolist() == pytest.approx([0.0, 0.5, 1.0])
    assert (np.diff(soft) > 0).all()


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_without_an_inside_is_refused(threshold):
    with pytest.raises(UsageError, match="calibrate it to lie between 0 and 1"):
        soften(np.zeros((1, 2, 2)), threshold)


def test_opened_again_they_are_the_same(store, teacher, tmp_path):
    made = write_pseudo_targets(teacher, store, tmp_path)
    opened = open_pseudo_targets(tmp_path)
    np.testing.assert_array_equal(opened.values[ALL[::-3]], made.values[ALL[::-3]])
    np.testing.assert_array_equal(opened.is_usable, made.is_usable)
    assert opened.plan["teacher"]["model"] == "knowing"
    opened.check_store(store)


def count_gathers(monkeypatch):
    asked = []
    real = Segmenter.gather
    monkeypatch.setattr(Segmenter, "gather", lambda self, scan: asked.append(scan) or real(self, scan))
    return asked


def test_interrupted_work_goes_on_and_gives_the_same_bytes(store, teacher, tmp_path, monkeypatch):
    monkeypatch.setattr(pseudo_targets, "_SHARD_SLICES", 8)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    write_pseudo_targets(teacher, store, whole)
    asked = count_gathers(monkeypatch)
    monkeypatch.setattr(pseudo_targets, "_make_case", stop_after(5, pseudo_targets._make_case))
    with pytest.raises(KeyboardInterrupt):
        write_pseudo_targets(teacher, store, broken)
    monkeypatch.undo()
    assert not (broken / "targets.json").exists()
    with pytest.raises(UsageError, match="no finished pseudo-targets"):
        open_pseudo_targets(broken)
    with pytest.MonkeyPatch.context() as again:
        teacher = knowing_teacher(store, again)
        again.setattr(pseudo_targets, "_SHARD_SLICES", 8)
        asked = count_gathers(again)
        write_pseudo_targets(teacher, store, broken)
        assert 0 < len(asked) < 10, "what was done is not done again"
    assert {path.name: path.read_bytes() for path in whole.iterdir()} == {
        path.name: path.read_bytes() for path in broken.iterdir()
    }


def stop_after(count, real):
    done = []

    def make(*arguments):
        if len(done) == count:
            raise KeyboardInterrupt
        done.append(1)
        return real(*arguments)

    return make


def test_another_teacher_begins_anew(store, teacher, tmp_path):
    write_pseudo_targets(teacher, store, tmp_path)
    other = teacher.with_settings(teacher.settings.model_copy(update={"map_threshold": 0.5}))
    made = write_pseudo_targets(other, store, tmp_path)
    assert made.values[np.array([4])].max() == 64
    assert made.plan["teacher"]["settings"]["map_threshold"] == 0.5


def test_cases_without_a_bleed_cost_no_map(store, teacher, tmp_path, monkeypatch):
    store.labels[20:] = 0
    asked = count_gathers(monkeypatch)
    write_pseudo_targets(teacher, store, tmp_path)
    assert len(asked) == 5


def test_another_store_is_refused(store, teacher, tmp_path):
    made = write_pseudo_targets(teacher, store, tmp_path)
    changed = replace(store, labels=np.where(store.labels == 1, 0, store.labels).astype(np.int8))
    assert identify_store(changed) != identify_store(store)
    with pytest.raises(UsageError, match="made for another store"):
        made.check_store(changed)


def test_pixels_are_as_large_as_the_store_says(store, teacher, tmp_path, monkeypatch):
    asked = count_gathers(monkeypatch)
    write_pseudo_targets(teacher, store, tmp_path / "assumed")
    write_pseudo_targets(teacher, replace(store, origin={"field_of_view_mm": 216.0}), tmp_path / "side")
    records = tuple({"pixel_mm": [0.5, 0.75]} for _ in store.names)
    write_pseudo_targets(teacher, replace(store, records=records), tmp_path / "records")
    sides = [scan.geometry.spacing_mm[1:] for scan in asked]
    np.testing.assert_allclose(sides[::10], [(230 / 32, 230 / 32), (6.75, 6.75), (0.5, 0.75)])


def test_slices_of_another_field_of_view_are_refused(store, teacher, tmp_path):
    wide = replace(store, origin={"field_of_view_mm": 250.0})
    with pytest.raises(UsageError, match=r"show 250\.0 mm, the teacher's 216\.0; prepare the data with"):
        write_pseudo_targets(teacher, wide, tmp_path)
    whole = replace(store, origin={"field_of_view_mm": None})
    with pytest.raises(UsageError, match=r"show all of their mm, the teacher's 216\.0"):
        write_pseudo_targets(teacher, whole, tmp_path)


def test_a_real_segmenter_takes_the_slices_of_a_store(tiny_checkpoint, tmp_path):
    from ichnos.segmentation.segmenter import load_segmenter

    teacher = load_segmenter(tiny_checkpoint, "cpu")
    store = replace(phantom_store(), origin={})
    opened = teacher.with_settings(teacher.settings.model_copy(update={"probability_gate": 0.0, "map_threshold": 0.2}))
    made = write_pseudo_targets(opened, store, tmp_path / "targets")
    assert made.values.shape == (30, RECIPE.image_size, RECIPE.image_size)
    bleeding = np.flatnonzero(store.is_positive & made.is_usable)
    assert len(bleeding), "some bleeding slice has a target"
    assert (made.values[bleeding].max(axis=(1, 2)) == 255).any()
    assert json.loads((tmp_path / "targets" / "plan.json").read_text())["teacher"]["sha256"]

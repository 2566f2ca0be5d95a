import json

import numpy as np
import pytest
from tiny import box_scan

from ichnos.evaluation.evidence import judged as judged_module
from ichnos.evaluation.evidence.families import FAMILIES, to_labelled
from ichnos.evaluation.evidence.judged import judge_family, judge_scan, load_judged_models, read_judged
from ichnos.phantoms import Phantom

SETTINGS = {"family": "grown", "first_seed": 5, "count": 2, "slices": 2, "size": 48, "models": {"a": {"model": "x"}}}


def boxes():
    """A scan of 30 HU with blood of two kinds: 20 voxels of 70 HU and 10 of 50 HU, and 6 dense voxels that are none."""
    scan = box_scan((3, 16, 16), (5.0, 2.0, 1.0), hu=30.0)  # 0.01 mL a voxel
    first, second = np.zeros((2, 3, 16, 16), bool)
    first[1, :4, :5] = True
    second[2, 8:10, :5] = True
    hu = scan.voxels_hu.copy()
    hu[first], hu[second] = 70.0, 50.0
    hu[0, 0, :6] = 80.0
    return Phantom(
        box_scan((3, 16, 16), (5.0, 2.0, 1.0)).__class__(hu, scan.geometry),
        {"epidural": first, "subdural": second},
        np.ones((3, 16, 16), bool),
        seed=9,
    )


def test_a_scan_is_judged_voxel_by_voxel(dense):
    one = judge_scan(dense(60.0), to_labelled("grown", boxes()))
    assert one.score.overlap("native").true_positive == 20
    assert one.score.overlap("native").false_positive == 6
    assert one.score.overlap("native").false_negative == 10
    assert one.drawn_ml == pytest.approx({"epidural": 0.2, "subdural": 0.1})
    assert one.found_ml == pytest.approx({"epidural": 0.2, "subdural": 0.0})
    assert one.score.predicted_ml == pytest.approx(0.26)
    assert [slice_.detected for slice_ in one.score.slices] == [True, True, False]


def test_a_family_is_judged_once_and_goes_on(dense, monkeypatch, tmp_path):
    made = []
    make = FAMILIES["grown"].make
    family = FAMILIES["grown"].__class__("grown", lambda *shape: made.append(shape) or make(*shape))
    monkeypatch.setattr(judged_module, "choose_family", lambda name: family)
    monkeypatch.setattr(judged_module, "load_judged_models", lambda *_: {"a": dense(45.0), "b": dense(90.0)})
    assert judge_family(tmp_path, {}, SETTINGS) == {"scans": 2}
    assert [seed for seed, *_ in made] == [5, 6]
    (tmp_path / "scans" / "6.json").unlink()
    judge_family(tmp_path, {}, SETTINGS)
    assert [seed for seed, *_ in made] == [5, 6, 6]
    found = read_judged(tmp_path)
    assert [scan.score.case for scan in found["a"]] == ["grown-5", "grown-6"]
    assert found["a"][0].score.predicted_ml > found["b"][0].score.predicted_ml
    assert json.loads((tmp_path / "scans" / "5.json").read_text()).keys() == {"a", "b"}


def test_models_come_by_name_or_from_a_stage(dense, monkeypatch, tmp_path):
    asked = []

    def load(place, device):
        asked.append((place, device))
        return dense(50.0)

    monkeypatch.setattr(judged_module, "load_segmenter", load)
    settings = {"models": {"mine": {"stage": "train"}, "bundled": {"model": "phantom-x"}}, "device": "cpu"}
    assert list(load_judged_models({"train": tmp_path}, settings)) == ["mine", "bundled"]
    assert asked == [(tmp_path / "checkpoint", "cpu"), ("phantom-x", "cpu")]

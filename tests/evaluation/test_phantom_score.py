import math

import numpy as np
import pytest
from tiny import box_scan, tiny_recipe
from torch import nn

from ichnos.evaluation.phantom_score import PhantomScore, score_phantoms, summarise
from ichnos.metrics.overlap import Overlap
from ichnos.models.checkpoint import Checkpoint
from ichnos.phantoms import Phantom, make_phantom
from ichnos.preprocessing.brain_mask import BrainMask
from ichnos.scans.scan import Mask
from ichnos.segmentation import segmenter as segmenter_module
from ichnos.segmentation.evidence import Evidence
from ichnos.segmentation.segmenter import Segmenter, load_segmenter
from ichnos.segmentation.settings import SegmentationSettings

SPACING_MM = (5.0, 2.0, 1.0)
VOXEL_ML = 0.01
SHAPE = (3, 16, 16)


def phantom_with(label):
    scan = box_scan(SHAPE, SPACING_MM)
    return Phantom(scan, {"subdural": label} if label.any() else {}, np.ones(SHAPE, bool), seed=0)


@pytest.fixture
def answering(monkeypatch):
    """A segmenter that finds the given voxels and probabilities in every scan."""

    def make(voxels, probabilities):
        def gather(scan, *_, labels):
            brain = BrainMask(Mask(np.ones(SHAPE, bool), scan.geometry), ())
            values = voxels.astype(np.float32)
            return Evidence(scan, brain, values, np.array(probabilities, np.float32), np.ones(SHAPE, bool))

        monkeypatch.setattr(segmenter_module, "gather_evidence", gather)
        checkpoint = Checkpoint({"name": "swin"}, {}, {}, (), nn.Identity())
        return Segmenter(checkpoint, tiny_recipe().preprocessing, SegmentationSettings(within_brain=False), "answering")

    return make


def test_a_phantom_is_scored_voxel_by_voxel_and_in_millilitres(answering):
    label, found = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    label[1, 2:6, 2:6] = True  # 16 voxels
    found[1, 2:6, 4:10] = True  # 24, of which 8 are right
    (score,) = score_phantoms(answering(found, [0.1, 0.9, 0.6]), [phantom_with(label)])
    assert score.overlap == Overlap(true_positive=8, false_positive=16, false_negative=8)
    assert score.label_ml == pytest.approx(16 * VOXEL_ML)
    assert score.predicted_ml == pytest.approx(24 * VOXEL_ML)
    assert score.slice_labels.tolist() == [False, True, False]
    np.testing.assert_allclose(score.slice_probabilities, [0.1, 0.9, 0.6])


def score(label_ml, predicted_ml, overlap, probabilities, labels):
    return PhantomScore(Overlap(*overlap), label_ml, predicted_ml, np.array(probabilities), np.array(labels))


SCORES = [
    score(10.0, 8.0, (6, 2, 4), [0.9, 0.2], [True, False]),  # Dice 12/18
    score(4.0, 0.0, (0, 0, 4), [0.3, 0.1], [True, False]),  # missed: Dice 0
    score(1.0, 7.0, (1, 6, 0), [0.8, 0.7], [True, True]),  # Dice 2/8
    score(0.0, 0.0, (0, 0, 0), [0.1, 0.1], [False, False]),
    score(0.0, 3.0, (0, 3, 0), [0.6, 0.2], [False, False]),
]


def test_figures_by_hand():
    figures = summarise(iter(SCORES))
    assert figures["phantoms_with_bleed"] == 3
    assert figures["phantoms_without_bleed"] == 2
    assert figures["slices"] == 10
    assert figures["mean_dice"] == pytest.approx((12 / 18 + 0 + 2 / 8) / 3)
    assert figures["median_volume_error_ml"] == pytest.approx(4.0)  # of 2, 4 and 6
    assert figures["mean_invented_ml"] == pytest.approx(1.5)
    # bleeding .9 .3 .8 .7 against healthy .2 .1 .1 .1 .6 .2: all 24 pairs are right but (.3, .6)
    assert figures["slice_roc_auc"] == pytest.approx(23 / 24)


def test_healthy_phantoms_do_not_enter_dice():
    assert summarise(SCORES[:3])["mean_dice"] == summarise(SCORES)["mean_dice"]


def test_what_cannot_be_measured_is_not_a_number():
    bleeding, healthy = summarise(SCORES[2:3]), summarise(SCORES[3:])
    assert math.isnan(bleeding["mean_invented_ml"])
    assert math.isnan(bleeding["slice_roc_auc"])
    for name in ("mean_dice", "median_volume_error_ml", "slice_roc_auc"):
        assert math.isnan(healthy[name])


def test_nothing_to_score_gives_no_numbers():
    figures = summarise([])
    assert (figures["phantoms_with_bleed"], figures["slices"]) == (0, 0)
    assert math.isnan(figures["slice_roc_auc"])


def test_phantoms_are_made_one_at_a_time(answering):
    made = []

    def phantoms():
        for number in range(3):
            made.append(number)
            yield phantom_with(np.zeros(SHAPE, bool))

    scores = score_phantoms(answering(np.zeros(SHAPE, bool), [0, 0, 0]), phantoms())
    next(scores)
    assert made == [0]


def test_a_trained_segmenter_is_scored(tiny_checkpoint):
    data = tiny_recipe().data
    phantoms = [make_phantom(seed, data.settings) for seed in data.test_seeds]
    figures = summarise(score_phantoms(load_segmenter(tiny_checkpoint, "cpu"), phantoms))
    assert figures["phantoms_with_bleed"] + figures["phantoms_without_bleed"] == 2
    assert figures["slices"] == 12

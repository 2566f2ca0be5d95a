"""The calibrated threshold against deciding at each threshold in turn, with made-up evidence."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from segmentation.stubs import bleeding_head, make_unet_checkpoint
from tiny import box_scan, tiny_recipe
from torch import nn

from ichnos.metrics.overlap import count_overlap
from ichnos.models.checkpoint import Checkpoint
from ichnos.preprocessing.brain_mask import BrainMask
from ichnos.scans.scan import Mask
from ichnos.segmentation import segmenter as segmenter_module
from ichnos.segmentation.evidence import Evidence
from ichnos.segmentation.segmentation import decide
from ichnos.segmentation.segmenter import Segmenter, make_segmenter
from ichnos.segmentation.settings import SegmentationSettings
from ichnos.training.calibrate import calibrate_gate, calibrate_threshold

SHAPE = (4, 16, 16)


@pytest.fixture
def knowing(monkeypatch):
    """Make a segmenter whose network has answered already; like the real one, it gates its maps."""

    def make(evidence, settings):
        def gather(scan, model, recipe, settings, batch_size, *, labels):
            found = next(one for one in evidence if one.scan is scan)
            looked_at = found.slice_probabilities >= settings.probability_gate
            return replace(found, map=found.map * looked_at[:, None, None])

        monkeypatch.setattr(segmenter_module, "gather_evidence", gather)
        checkpoint = Checkpoint({"name": "swin"}, {}, {}, (), nn.Identity())
        return Segmenter(checkpoint, tiny_recipe().preprocessing, settings, "knowing")

    return make


def case(seed, bleeds=True, coarse=False):
    rng = np.random.default_rng(seed)
    scan = box_scan(SHAPE)
    label = np.zeros(SHAPE, bool)
    if bleeds:
        label[1:3, 4:10, 5:9] = True
    values = np.clip(rng.normal(0.2, 0.15, SHAPE) + 0.4 * label, 0, 1).astype(np.float32)
    if coarse:
        values = (np.round(values, 2)).astype(np.float32)  # on the grid of thresholds
    allowed = rng.random(SHAPE) < 0.9
    brain = BrainMask(Mask(np.ones(SHAPE, bool), scan.geometry), ())
    return Evidence(scan, brain, values, rng.random(SHAPE[0]).astype(np.float32), allowed), label


def by_force(cases, settings):
    """Mean Dice over bleeding slices for each threshold from 0.01 on, by making every mask."""
    curve = []
    for step in range(1, 101):
        chosen = settings.model_copy(update={"map_threshold": step / 100, "probability_gate": 0.0, "minimum_ml": 0.0})
        dices = []
        for evidence, label in cases:
            voxels = decide(evidence, chosen, {}).bleed_mask.voxels
            dices += [count_overlap(voxels[z], label[z]).dice for z in range(len(label)) if label[z].any()]
        curve.append(np.mean(dices))
    best = int(np.argmax(curve))
    return (best + 1) / 100, curve[best]


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_threshold_that_trying_all_would_choose(knowing, seed, coarse):
    cases = [case(10 * seed + number, bleeds=number != 1, coarse=coarse) for number in range(3)]
    settings = SegmentationSettings()
    segmenter = knowing([evidence for evidence, _ in cases], settings)
    threshold, dice = calibrate_threshold(segmenter, [(evidence.scan, label) for evidence, label in cases])
    expected, expected_dice = by_force(cases, settings)
    assert threshold == expected
    assert dice == pytest.approx(expected_dice)
    assert 0.3 < threshold < 0.6, "a made-up case with a best threshold in the middle"


def test_the_gate_is_opened(knowing):
    evidence, label = case(0)
    evidence = replace(evidence, slice_probabilities=np.zeros(SHAPE[0], np.float32))
    settings = SegmentationSettings(probability_gate=0.9)
    segmenter = knowing([evidence], settings)
    assert calibrate_threshold(segmenter, [(evidence.scan, label)])[0] == by_force([(evidence, label)], settings)[0]
    assert segmenter.settings.probability_gate == 0.9


def test_ties_go_to_the_smallest_threshold_but_never_to_zero(knowing):
    evidence, label = case(0)
    perfect = replace(evidence, map=np.where(label, 1.0, 0.0).astype(np.float32), allowed=np.ones(SHAPE, bool))
    threshold, dice = calibrate_threshold(knowing([perfect], SegmentationSettings()), [(perfect.scan, label)])
    assert (threshold, dice) == (0.01, 1.0)


def test_a_map_that_says_nothing_does_not_choose_zero(knowing):
    evidence, label = case(0)
    blank = replace(evidence, map=np.zeros(SHAPE, np.float32))
    threshold, dice = calibrate_threshold(knowing([blank], SegmentationSettings()), [(blank.scan, label)])
    assert (threshold, dice) == (0.01, 0.0)


@pytest.mark.parametrize("count", [0, 2])
def test_without_a_bleed_the_threshold_stays(knowing, count):
    cases = [case(number, bleeds=False) for number in range(count)]
    segmenter = knowing([evidence for evidence, _ in cases], SegmentationSettings(map_threshold=0.37))
    threshold, dice = calibrate_threshold(segmenter, [(evidence.scan, label) for evidence, label in cases])
    assert threshold == 0.37
    assert math.isnan(dice)


@pytest.mark.parametrize("specificity", [0.0, 0.8, 0.95, 1.0])
def test_the_gate_is_the_smallest_that_keeps_healthy_slices_out(specificity):
    rng = np.random.default_rng(5)
    probabilities = rng.random(300).astype(np.float32) ** 0.5
    is_positive = rng.random(300) < 0.3
    gate = calibrate_gate(probabilities, is_positive, specificity)

    def kept_out(at):
        return np.mean([value < np.float32(at) for value in probabilities[~is_positive]])

    assert kept_out(gate) >= specificity
    assert gate == 0.5 or kept_out(round(gate - 0.01, 2)) < specificity


def test_positive_slices_do_not_move_the_gate():
    probabilities = np.array([0.1, 0.2, 0.99, 0.98], np.float32)
    assert calibrate_gate(probabilities, np.array([False, False, True, True]), 1.0) == 0.5


def test_a_healthy_slice_that_is_surely_called_bleeding_leaves_only_the_highest_gate():
    assert calibrate_gate(np.array([1.0], np.float32), np.array([False]), 1.0) == 1.0


def test_the_threshold_of_a_segmentation_network_is_found_the_same_way():
    """Nothing is made up here: an untrained U-Net against trying every threshold on its own maps."""
    scan, unet = bleeding_head(), make_segmenter(make_unet_checkpoint(), "unet", torch.device("cpu"))
    evidence = unet.gather(scan)
    label = evidence.allowed & (evidence.map > np.quantile(evidence.map[evidence.allowed], 0.7))
    threshold, dice = calibrate_threshold(unet, [(scan, label)])
    assert (threshold, pytest.approx(dice)) == by_force([(evidence, label)], unet.settings)

from pathlib import Path

import pytest

from ichnos.evaluation.reproduction.estimate import count_slices, estimate_tracing, estimate_training
from ichnos.evaluation.reproduction.hgi_sam_scale import HGI_SAM_SCALES
from ichnos.evaluation.reproduction.scale import Collection, Phantoms


def test_slices_are_those_of_the_source():
    assert count_slices(Phantoms(10, 0, {"slices": 12})) == 120
    assert count_slices(Collection("rsna-2019", Path("rsna"))) == 752_803


def test_time_grows_with_slices_epochs_and_network():
    content = HGI_SAM_SCALES["phantom"].recipes["unet"].content(0)
    short, megabytes = estimate_training(content, 100, "cpu")
    long, _ = estimate_training(content, 200, "cpu")
    assert long - short == pytest.approx(short - 3, rel=1e-6)
    assert megabytes == pytest.approx(301_826 * 4e-6, rel=1e-3)
    wider = {**content, "network": {"name": "light-unet", "arguments": {"widths": [24, 48, 96, 192]}}}
    assert estimate_training(wider, 100, "cpu")[0] > 2 * (short - 3)


def test_a_network_that_cannot_be_measured_without_memory_is_measured_with_it():
    content = HGI_SAM_SCALES["phantom"].recipes["swin-unetr"].content(0)
    assert estimate_training(content, 100, "cpu")[1] > 1


def test_the_papers_network_takes_days_on_a_core():
    content = HGI_SAM_SCALES["paper"].recipes["sam-binary"].content(0)
    assert estimate_training(content, 752_803, "cpu")[0] > 30 * 86_400


def test_a_pass_takes_longer_with_more_slices_and_larger_networks():
    small, large = (HGI_SAM_SCALES[name].recipes["hgi-sam"].content(0) for name in ("phantom", "paper"))
    assert estimate_tracing(small, 200, "cpu") == pytest.approx(2 * (estimate_tracing(small, 100, "cpu") - 1) + 1)
    assert estimate_tracing(large, 2814, "cpu") > 3600 > estimate_tracing(small, 2814, "cpu")

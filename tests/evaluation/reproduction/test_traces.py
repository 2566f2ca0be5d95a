import numpy as np
import pytest
from tiny_scales import make_trace, save_traces

from ichnos.cohorts.case import Case, LabelledScan
from ichnos.errors import CohortError
from ichnos.evaluation.case_score import resize_mask
from ichnos.evaluation.reproduction.cohort_stages import open_test_cohort
from ichnos.evaluation.reproduction.plan import stage_folder
from ichnos.evaluation.reproduction.traces import load_method, read_traces, resize_nearest, trace_case, trace_method
from ichnos.metrics.overlap import THRESHOLDS, count_overlap

HOW = {"regions": ["brain"], "method": "hgi-sam", "device": "cpu"}


def test_counts_are_those_of_masks_cut_by_hand(experiment):
    cohort = open_test_cohort(stage_folder(experiment, "test"))
    labelled = cohort.load(cohort.cases[0])
    segmenter = load_method(stage_folder(experiment, "hgi-sam-seed0"), HOW)
    trace = trace_case(segmenter, labelled, ["brain"], "native")
    evidence = segmenter.gather(labelled.scan)
    label = np.logical_or.reduce(list(labelled.bleed_masks.values()))
    for step in (1, 6, 50, 100):
        predicted = evidence.allowed & (evidence.map >= np.float32(THRESHOLDS[step]))
        for z in range(len(label)):
            assert trace.slice_overlap("brain", z, step) == count_overlap(predicted[z], label[z])
        assert trace.volume_overlap("brain", step) == count_overlap(predicted, label)
    assert np.array_equal(trace.bleeds, labelled.slice_labels[:, 0] == 1)


def test_a_network_of_pixels_is_seen_with_and_without_the_cavity(experiment):
    cohort = open_test_cohort(stage_folder(experiment, "test"))
    labelled = cohort.load(cohort.cases[0])
    how = {"regions": ["everywhere", "brain"], "method": None, "device": "cpu"}
    segmenter = load_method(stage_folder(experiment, "swin-unetr-seed0-fold0"), how)
    trace = trace_case(segmenter, labelled, how["regions"], "native")
    everywhere, within = (trace.counts[region][:2, :, 30].sum() for region in ("everywhere", "brain"))
    assert everywhere > within
    assert trace.counts["everywhere"][:, 0, 0].sum() == labelled.scan.voxels_hu[0].size  # at 0 all is predicted


def test_a_grid_of_a_paper_counts_its_own_pixels(experiment):
    cohort = open_test_cohort(stage_folder(experiment, "test"))
    labelled = cohort.load(cohort.cases[0])
    segmenter = load_method(stage_folder(experiment, "hgi-sam-seed0"), HOW)
    label = np.logical_or.reduce(list(labelled.bleed_masks.values()))
    trace = trace_case(segmenter, labelled, ["brain"], "256")
    total = trace.counts["brain"][0, :, 0] + trace.counts["brain"][2, :, 0]
    assert np.array_equal(total, resize_mask(label, 256).sum(axis=(1, 2)))


def test_cutting_and_resizing_may_be_swapped():
    values = np.random.default_rng(0).random((2, 7, 9))
    assert np.array_equal(resize_nearest(values, "5") >= 0.4, resize_mask(values >= 0.4, 5))
    assert resize_nearest(values, "native") is values


def test_traces_come_back(tmp_path):
    label = np.zeros((2, 3, 3), bool)
    label[1, 1] = True
    traces = [make_trace("b", label * 0.7, label), make_trace("a", label * 0.2, label)]
    save_traces(traces, tmp_path)
    first, second = read_traces(tmp_path)
    assert (first.case, second.case) == ("a", "b")
    assert second.patient == "patient of b"
    assert np.array_equal(second.counts["everywhere"], traces[0].counts["everywhere"])
    assert second.curves("everywhere").shape == (1, 101)
    assert second.curves("everywhere")[0, [70, 71]].tolist() == [1.0, 0.0]


def test_a_pass_goes_on_with_the_next_case(experiment, tmp_path):
    needs = {name: stage_folder(experiment, name) for name in ("test", "folds", "hgi-sam-seed0")}
    settings = {**HOW, "cohort": "test", "folds": "folds", "models": {"all": "hgi-sam-seed0"}, "grid": "native"}
    whole = stage_folder(experiment, "trace-swin-hgi-sam-seed0")
    (tmp_path / "cases").mkdir()
    kept = sorted((whole / "cases").glob("*.npz"))[:7]
    for path in kept:
        (tmp_path / "cases" / path.name).write_bytes(path.read_bytes())
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cases").iterdir()}
    assert trace_method(tmp_path, needs, settings) == {"cases": 8}
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cases").iterdir()}
    assert before.items() <= after.items()
    for once, again in zip(read_traces(whole), read_traces(tmp_path), strict=True):
        assert np.array_equal(once.counts["brain"], again.counts["brain"])


def test_cases_without_masks_are_refused(experiment):
    cohort = open_test_cohort(stage_folder(experiment, "test"))
    labelled = cohort.load(cohort.cases[0])
    bare = LabelledScan(Case("bare", "bare", ()), labelled.scan, labelled.slice_labels, None)
    segmenter = load_method(stage_folder(experiment, "hgi-sam-seed0"), HOW)
    with pytest.raises(CohortError, match="case bare: nobody drew its masks"):
        trace_case(segmenter, bare, ["brain"], "native")

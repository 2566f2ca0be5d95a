import json

import numpy as np
import pytest
from scipy import stats
from tiny_scales import finish_stage, make_trace, save_traces

from ichnos.cohorts.folds import Folds, write_folds
from ichnos.evaluation.reproduction.content import read_parts
from ichnos.evaluation.reproduction.hgi_sam_results import make_results
from ichnos.metrics.detection import roc_auc

LABEL = np.zeros((3, 4, 4), bool)
LABEL[0, 1:3, 1:3] = True  # four pixels in the first of three slices
CASES = ("a", "b", "c", "d")
FOUND = {"Swin-HGI-SAM": (4, 4, 3, 4), "Swin-SAM binary": (1, 2, 1, 0), "U-Net": (2, 4, 1, 4)}
"""Pixels of the label that each method finds in each case, and nothing else."""


def trace(case, method, place):
    maps = np.zeros((3, 4, 4))
    inside = np.flatnonzero(LABEL[0])[: FOUND[method][place]]
    maps[0].flat[inside] = 0.8
    sure = [0.9 - 0.1 * place, 0.2, 0.6 if place == 1 else 0.1]
    return make_trace(case, maps, LABEL, regions=("everywhere", "brain"), probabilities=sure)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    needs = {"folds": folder / "folds"}
    write_folds(Folds("hand", 2, CASES, CASES, (0, 0, 1, 1)), folder / "folds" / "folds.json")
    traces, trained = {}, {}
    for method in FOUND:
        needs[method] = folder / method
        save_traces([trace(case, method, place) for place, case in enumerate(CASES)], folder / method)
        finish_stage(folder / method)
        seeds = ("0", "1") if method == "U-Net" else ("0",)
        traces[method], trained[method] = dict.fromkeys(seeds, method), {seed: [method, method] for seed in seeds}
    settings = {
        "measured_on": "phantoms",
        "traces": traces,
        "trained": trained,
        "weak": ["Swin-HGI-SAM", "Swin-SAM binary"],
    }
    figures = make_results(folder / "own", needs, settings)
    return folder / "own", figures


def find_table(results, start):
    return next(table for part in read_parts(results[0]) for table in part.tables if table.title.startswith(start))


def dice(method):
    return [2 * found / (4 + found) for found in FOUND[method]]


def test_table_1_is_mean_and_standard_error_of_hand_made_slices(results):
    table = find_table(results, "Table 1")
    assert table.columns[1:3] == ("dice, published", "dice, ours on phantoms")
    rows = {row[0]: row for row in table.rows}
    for method in FOUND:
        expected = f"{np.mean(dice(method)):.3f} ± {stats.sem(dice(method)):.3f}"
        assert rows[method][2] == expected
    assert rows["Swin-HGI-SAM"][1] == "0.444 ± 0.014"
    assert rows["Swin-Grad-CAM"][2] == "-"
    assert results[1]["U-Net"] == pytest.approx(np.mean(dice("U-Net")), abs=1e-4)
    assert "missed: Swin-HGI-SAM 0, Swin-SAM binary 1, U-Net 0" in table.notes[1]


def test_the_papers_test_and_ours_stand_side_by_side(results):
    rows = {row[0]: row for row in find_table(results, "Dice, two-sided").rows}
    p_value = stats.ttest_rel(dice("Swin-HGI-SAM"), dice("U-Net")).pvalue
    assert rows["U-Net"][1:3] == ("0.83", f"{p_value:.2g}")
    # Of 16 sign patterns of four patients two are as extreme for Swin-SAM binary: all one way.
    assert rows["Swin-SAM binary"][3] == f"{2 / 16:.2g}"
    assert rows["Swin-SAM binary"][4] == f"{2 * 2 / 16:.2g}"


def test_table_2_counts_all_slices(results):
    table = find_table(results, "Table 2")
    row = next(row for row in table.rows if row[0] == "Swin-HGI-SAM")
    shown = dict(zip(table.columns, row, strict=True))
    # Slices that bleed have 0.9, 0.8, 0.7, 0.6; of eight others one has 0.6.
    assert shown["recall, ours on phantoms"] == "1.000"
    assert shown["precision, ours on phantoms"] == f"{4 / 5:.3f}"
    assert shown["specificity, ours on phantoms"] == f"{7 / 8:.3f}"
    assert shown["balanced_accuracy, published"] == "0.891"
    labels = np.array([True] * 4 + [False] * 8)
    area = roc_auc(np.array([0.9, 0.8, 0.7, 0.6, 0.6, *[0.2] * 4, *[0.1] * 3]), labels)
    assert shown["real ROC-AUC, ours on phantoms"] == f"{area:.3f}"
    assert "12 slices, 4 of which bleed" in table.notes[0]


def test_seeds_and_thresholds_are_told(results):
    rows = {row[0]: row for row in find_table(results, "Spread over seeds").rows}
    assert rows["U-Net"][1] == "2"
    assert rows["U-Net"][2].endswith("± 0.000")
    assert rows["U-Net"][-1] == "2"  # two networks of a second each
    thresholds = json.loads((results[0] / "thresholds.json").read_text())
    assert thresholds["U-Net"] == {"0": 0.5, "1": 0.5}
    assert thresholds["Swin-HGI-SAM"] == {"0": 0.01, "1": 0.01}  # all of 0.01 to 0.8 are as good
    assert (results[0] / "pictures" / "hgi-sam-roc.png").is_file()


def test_the_order_is_told_as_it_is(results):
    told = next(part for part in read_parts(results[0]) if part.title == "Segmentation").paragraphs[0]
    assert "Best to worst on phantoms: Swin-HGI-SAM, U-Net, Swin-SAM binary. The order is the same." in told

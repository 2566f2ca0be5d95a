import numpy as np
import pytest
from tiny_scales import finish_stage, make_trace, save_traces

from ichnos.evaluation.published import SEGMENTATION_BY_VOLUME
from ichnos.evaluation.reproduction.content import read_parts
from ichnos.evaluation.reproduction.label_efficient_results import make_results

LABEL = np.zeros((2, 3, 3), bool)
LABEL[0, 0] = True  # three pixels
FOUND = {"U-Net 2D mixed": (3, 2, 0), "Binary classification": (3, 3, 2)}
"""Pixels of the label found in each of three volumes that bleed; a fourth is empty, and found to be."""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    needs = {}
    for method, counts in FOUND.items():
        traces = []
        for place, count in enumerate(counts):
            maps = np.zeros((2, 3, 3))
            maps[0].flat[:count] = 0.9
            traces.append(make_trace(f"case {place}", maps, LABEL, regions=("everywhere", "brain")))
        traces.append(
            make_trace("case 9", np.zeros((2, 3, 3)), np.zeros((2, 3, 3), bool), regions=("everywhere", "brain"))
        )
        needs[method] = folder / method
        save_traces(traces, folder / method)
    needs["pretext"] = folder / "pretext"
    finish_stage(folder / "pretext", parameters=5, auc=0.75)
    settings = {
        "measured_on": "phantoms",
        "traces": {method: method for method in FOUND},
        "baselines": ["U-Net 2D mixed"],
        "pretexts": {"Binary classification": ["pretext", "pretext"]},
    }
    make_results(folder / "own", needs, settings)
    return folder / "own"


def find_table(results, start):
    return next(table for part in read_parts(results) for table in part.tables if table.title.startswith(start))


def dice(method):
    return [100 * (2 * found + 1) / (3 + found + 1) for found in FOUND[method]]


def test_table_3_is_mean_and_sample_deviation_of_hand_made_volumes(results):
    bleeding = {row[0]: row for row in find_table(results, "Table 3: segmentation of volumes that bleed").rows}
    whole = {row[0]: row for row in find_table(results, "Table 3: segmentation of volumes").rows}
    for method in FOUND:
        values = dice(method)
        assert bleeding[method][2] == f"{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}"
        values = [*values, 100.0]
        assert whole[method][2] == f"{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}"
    assert whole["U-Net 2D mixed"][1] == "38.36 ± 39.43"
    assert set(SEGMENTATION_BY_VOLUME) == set(whole)
    assert "U-Net 2D mixed + ICM" in whole


def test_the_heading_says_phantoms(results):
    assert find_table(results, "Table 3").columns[:3] == ("method", "dice, published", "dice, ours on phantoms")


def test_differences_are_told_with_and_without_correction(results):
    told = next(part for part in read_parts(results) if part.title == "Which differ?").paragraphs[0]
    assert told.startswith("Of 3 pairs of methods 0 differ")
    assert len(list((results / "pictures").glob("label-efficient-p-*.png"))) == 2


def test_what_a_pretext_learned_is_told(results):
    (row,) = find_table(results, "What the pretexts learned").rows
    assert row == ("Binary classification", "2", "1", "auc 0.750")

import numpy as np
import pytest
from evaluation.made_cohort import labelled, make_cases

from ichnos.evaluation.case_score import score_case
from ichnos.evaluation.measures import LOWER_IS_BETTER, MEASURES, choose_items, list_items, measure, measure_all
from ichnos.evaluation.predictions import Prediction
from ichnos.evaluation.protocols import PROTOCOLS
from ichnos.metrics.empty_policy import EMPTY_POLICIES

CASES = make_cases()
SCORES = [score_case(labelled(name, made), Prediction(made.predicted)) for name, made in CASES.items()]
ITEMS = {item.name: item for item in list_items(SCORES, PROTOCOLS["ichnos"], {})}


def test_slices_and_volumes_are_items():
    slices = list_items(SCORES, PROTOCOLS["hgi-sam"], {"shifted": "2"})
    assert len(slices) == 4 * len(CASES)
    assert {item.fold for item in slices if item.name.startswith("shifted")} == {"2"}
    bleeding = choose_items(slices, "bleeding")
    assert len(bleeding) == sum(int(made.label.any(axis=(1, 2)).sum()) for made in CASES.values())
    assert len(choose_items(slices, "all")) == len(slices)


def test_a_surface_that_is_not_there_is_as_far_as_the_scan_is_long():
    for name in ("missed", "invented"):
        for distance in ("hd95_mm", "assd_mm"):
            assert measure(ITEMS[name], distance, "excluded") == ITEMS[name].score.diagonal_mm
        assert measure(ITEMS[name], "surface_dice", "excluded") == 0.0
    assert np.isnan(measure(ITEMS["empty"], "hd95_mm", "excluded"))
    assert np.isnan(measure(ITEMS["empty"], "surface_dice", "excluded"))
    assert measure(ITEMS["empty"], "hd95_mm", "counted-one") == 0.0
    assert measure(ITEMS["empty"], "surface_dice", "counted-one") == 1.0


def test_volume_errors_are_sizes():
    assert measure(ITEMS["invented"], "absolute_error_ml", "excluded") == pytest.approx(16 * 10 / 1000)
    assert measure(ITEMS["missed"], "absolute_error_ml", "excluded") == pytest.approx(50 * 10 / 1000)


@pytest.mark.parametrize("policy", [name for name in EMPTY_POLICIES if name != "epsilon-one"])
@pytest.mark.parametrize("name", MEASURES)
def test_a_missed_bleed_never_improves_a_mean(name, policy):
    """Whichever case is replaced by a miss of the same bleed: the mean gets worse or stays."""
    before = [item for item in ITEMS.values() if item.name != "everything"]
    mean = np.nanmean(measure_all(before, name, policy))
    for case, made in CASES.items():
        if not made.label.any() or case == "everything":
            continue
        missed = score_case(labelled(case, made), Prediction(np.zeros_like(made.predicted)))
        swapped = list_items([missed], PROTOCOLS["ichnos"], {})
        after = [*(item for item in before if item.name != case), *swapped]
        change = np.nanmean(measure_all(after, name, policy)) - mean
        assert change >= -1e-9 if name in LOWER_IS_BETTER else change <= 1e-9

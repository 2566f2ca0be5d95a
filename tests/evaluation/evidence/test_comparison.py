import re

import pytest
from evaluation.evidence.judged_scans import SCANS

from ichnos.evaluation.evidence.comparison import (
    Compared,
    plan_comparison,
    read_compared,
    tell_comparison,
    tell_seeds,
)
from ichnos.evaluation.evidence.real_scans import RealFinding
from ichnos.runtime.files import write_json

MODELS = {"one": {"checkpoint": "train-one"}}


def found(model, scan, volume_ml):
    return RealFinding(
        scan=scan, model=model, volume_ml=volume_ml, slices=9, slices_called=1, probability=0.5, flags=()
    )


def test_every_network_is_judged_and_looks_at_the_real_scan_where_there_is_one():
    (judging,) = plan_comparison("worlds", MODELS, ("train-one",), 5, None)
    assert (judging.name, judging.needs) == ("judge-worlds", ("train-one",))
    assert (judging.settings["family"], judging.settings["count"]) == ("grown", 5)
    _, looking = plan_comparison("worlds", MODELS, ("train-one",), 5, "scan")
    assert (looking.name, looking.needs) == ("real-worlds", ("train-one",))
    assert (looking.settings["folder"], looking.settings["models"]) == ("scan", judging.settings["models"])


def test_what_stages_of_several_names_wrote_is_read_together(tmp_path):
    for name, scan in zip(("worlds", "students"), SCANS, strict=False):
        judged = {name: scan.model_dump(mode="json")}
        write_json(tmp_path / f"judge-{name}" / "scans" / "0.json", judged)
    needs = {f"judge-{name}": tmp_path / f"judge-{name}" for name in ("worlds", "students")}
    compared = read_compared(needs, ("worlds", "students"))
    assert compared == Compared({"worlds": [SCANS[0]], "students": [SCANS[1]]}, None)


def test_a_row_holds_the_figures_that_come_out_by_hand():
    """Dice over the slices that bleed: 20 of 30, 0 of 5, 60 of 70. Of 6 pairs of a slice that bleeds and one that
    does not, 5 are in order. Scans without blood: 3 mL and 0 mL.
    """
    table, figures = tell_comparison("T", "world", {"plain": ["one"]}, Compared({"one": SCANS}, None), ["a note"])
    assert figures == {"plain": [pytest.approx([(20 / 30 + 0 + 60 / 70) / 3, 5 / 6, 1.5])]}
    assert table.columns == ("world", "Dice, bleeding slices", "slice ROC-AUC", "invented, mL")
    assert table.rows == (("plain", "0.51", "0.833", "1.5"),)
    assert re.search(r"judged on 4 scans: .*in the 2 of them without blood mL are invented", table.notes[0])
    assert table.notes[1:] == ("a note",)


def test_what_is_found_on_real_scans_is_summed_over_them_and_averaged_over_seeds():
    real = [found("one", 1, 1.0), found("one", 2, 2.0), found("two", 1, 5.0), found("other", 1, 9.0)]
    judged = {"one": SCANS, "two": SCANS, "other": SCANS[1:]}
    rows = {"both": ["one", "two"], "lone": ["other"]}
    table, figures = tell_comparison("T", "world", rows, Compared(judged, real), [])
    assert table.columns[-1] == "real scan without blood, mL"
    both, lone = table.rows
    assert both == ("both", "0.51 ± 0.00", "0.833 ± 0.000", "1.5 ± 0.0", "4.0 ± 1.4")
    assert lone[-1] == "9.0"
    assert len(figures["both"]) == 2


def test_one_training_shows_no_order():
    assert "none is shown to be better" in tell_seeds(1)
    assert tell_seeds(3).startswith("3 training seeds")

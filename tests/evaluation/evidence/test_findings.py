import numpy as np
import pytest
from evaluation.evidence.judged_scans import SCANS

from ichnos.evaluation.evidence.findings import summarise_judged, tell_sizes, tell_subtypes, tell_whole

DICE_SLICES = [2 * 10 / 30, 0.0, 60 / 70]


def cells(table, row, column):
    return dict(zip(table.columns, table.rows[row], strict=True))[column]


def test_the_whole_is_told_by_hand_counts():
    table = tell_whole({"m": SCANS}, "phantoms")
    error = np.std(DICE_SLICES, ddof=1) / 3**0.5
    assert cells(table, 0, "Dice, bleeding slices") == f"{np.mean(DICE_SLICES):.2f} ± {error:.2f}"
    scans = [20 / 35, 60 / 70]
    assert cells(table, 0, "Dice, bleeding scans").startswith(f"{np.mean(scans):.2f} ± ")
    # positives 0.9, 0.2, 0.8; negatives 0.7, 0.1: 5 of 6 pairs in order
    assert cells(table, 0, "slice ROC-AUC") == "0.833"
    assert cells(table, 0, "volume error, mL") == "6.5"
    assert cells(table, 0, "bias, mL") == "+3.5"
    assert cells(table, 0, "invented, mL") == "1.50"
    assert cells(table, 0, "most invented, mL") == "3.0"
    assert cells(table, 0, "silent") == "50%"
    assert table.notes[0] == "4 scans, 2 of them without blood; 5 slices, 3 of which bleed"
    assert "phantoms" in table.title


def test_a_subtype_is_scored_alone_and_found_anywhere():
    table = tell_subtypes({"m": SCANS}, "phantoms")
    assert table.rows[0] == ("epidural", "1", "2", "0.57", "67%")
    assert table.rows[4] == ("subdural", "0", "1", "-", "100%")
    assert table.rows[1] == ("intraparenchymal", "0", "0", "-", "-")


def test_sizes_divide_the_scans_that_bleed():
    table = tell_sizes({"m": SCANS}, "phantoms")
    assert [row[1] for row in table.rows] == ["0", "0", "1", "1"]
    assert table.rows[2] == ("5 to 30 mL", "1", "0.57", "3.0")
    assert table.rows[3][0] == "30 mL and more"


def test_without_healthy_scans_nothing_is_said_of_them():
    table = tell_whole({"m": SCANS[:2]}, "phantoms")
    assert [cells(table, 0, name) for name in ("invented, mL", "most invented, mL", "silent")] == ["-", "-", "-"]


def test_figures_come_from_the_protocols():
    by_slice, by_scan = summarise_judged(SCANS)
    assert by_slice.find("dice", "bleeding").summary.mean == pytest.approx(np.mean(DICE_SLICES))
    assert by_slice.policy == by_scan.policy == "excluded"
    assert by_scan.volumes["mean_invented_ml"] == 1.5

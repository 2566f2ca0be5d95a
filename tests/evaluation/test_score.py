import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation.made_cohort import labelled, make_cases

from ichnos.cohorts.case import Cohort
from ichnos.errors import GeometryError, UsageError
from ichnos.evaluation.case_score import GRIDS
from ichnos.evaluation.predictions import Prediction
from ichnos.evaluation.score import read_scores, refuse_foreign_scores, score_cohort, write_scores

CASES = make_cases()


def cohort(loaded=None):
    def load(case):
        if loaded is not None:
            loaded.append(case.case)
        found = labelled(case.case, CASES[case.case])
        return (
            replace(found, bleed_masks=None, slice_labels=np.full_like(found.slice_labels, -1))
            if case.case == "border"
            else found
        )

    cases = tuple(labelled(name, made).case for name, made in CASES.items())
    return Cohort("made", Path(), "none", cases, load)


def predict(found):
    if found.case.case == "invented":
        raise GeometryError("another\ngrid")
    if found.case.case == "uneven":
        raise ZeroDivisionError("by zero")
    return Prediction(CASES[found.case.case].predicted)


def run(folder, loaded=None, stamp="x"):
    made = cohort(loaded)
    return list(score_cohort(made, made.cases, predict, folder, dict.fromkeys(CASES, stamp)))


def test_a_bad_case_does_not_stop_the_others(tmp_path):
    outcomes = {one.case: (one.status, one.message) for one in run(tmp_path)}
    assert outcomes.pop("border") == ("no-label", "nobody drew a mask or told whether it bleeds")
    assert outcomes.pop("invented") == ("failed", "another grid")
    assert outcomes.pop("uneven") == ("failed", "unexpected ZeroDivisionError: by zero")
    assert set(outcomes.values()) == {("done", "")}


def test_finished_cases_are_kept_unless_their_prediction_changed(tmp_path):
    run(tmp_path)
    loaded = []
    again = run(tmp_path, loaded)
    assert loaded == ["border", "invented", "uneven"]
    assert [one.status for one in again].count("kept") == 5
    (tmp_path / "cases" / "missed.json").write_text("{")
    loaded.clear()
    run(tmp_path, loaded)
    assert "missed" in loaded
    assert "kept" not in [one.status for one in run(tmp_path, stamp="y")]


def test_tables_hold_counts_from_which_all_can_be_made_again(tmp_path):
    outcomes = run(tmp_path)
    written = write_scores(tmp_path, outcomes, {"cohort": "made"}, ["a note"])
    assert read_scores(tmp_path) == written
    assert written.left_out["invented"] == "failed: another grid"
    with (tmp_path / "scores.csv").open(newline="") as stream:
        rows = {row["case"]: row for row in csv.DictReader(stream)}
    with (tmp_path / "slices.csv").open(newline="") as stream:
        slices = list(csv.DictReader(stream))
    for name in ("missed", "everything", "one-voxel"):
        made = CASES[name]
        assert int(rows[name]["fn_native"]) == int((made.label & ~made.predicted).sum())
        assert float(rows[name]["label_ml"]) == made.scan.geometry.volume_ml(made.label)
        mine = [row for row in slices if row["case"] == name]
        assert [int(row["label"]) for row in mine] == made.label.any(axis=(1, 2)).astype(int).tolist()
        for grid in GRIDS:
            assert sum(int(row[f"tp_{grid}"]) for row in mine) == int(rows[name][f"tp_{grid}"])
    assert slices[0]["probability"] == ""
    assert rows["missed"]["hd95_mm"] == ""


def test_scores_of_other_predictions_are_not_mixed(tmp_path):
    refuse_foreign_scores(tmp_path, {"predictions": "a"})
    refuse_foreign_scores(tmp_path, {"predictions": "a"})
    with pytest.raises(UsageError, match="holds scores of other predictions"):
        refuse_foreign_scores(tmp_path, {"predictions": "b"})


def test_broken_scores_are_refused_in_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"holds no scores\.json"):
        read_scores(tmp_path)
    write_scores(tmp_path, run(tmp_path), {}, [])
    (tmp_path / "cases" / "missed.json").unlink()
    with pytest.raises(UsageError, match="broken or not whole"):
        read_scores(tmp_path)
    content = json.loads((tmp_path / "scores.json").read_text())
    (tmp_path / "scores.json").write_text(json.dumps({**content, "format": 9}))
    with pytest.raises(UsageError, match="is in format 9"):
        read_scores(tmp_path)


def test_two_runs_write_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_scores(tmp_path / name, run(tmp_path / name), {}, [])
    assert (tmp_path / "a" / "slices.csv").read_bytes() == (tmp_path / "b" / "slices.csv").read_bytes()
    assert np.array_equal(*[(tmp_path / name / "scores.csv").read_bytes() for name in ("a", "b")])

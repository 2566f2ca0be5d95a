from dataclasses import replace

import numpy as np
import pytest
from evaluation.evidence.test_painted import head

from ichnos.evaluation.evidence import painted_slices
from ichnos.evaluation.evidence.painted_slices import (
    FORMS,
    PaintedFinding,
    judge_painted,
    look_at_painted,
    read_painted,
    tell_painted,
)
from ichnos.evaluation.reproduction.content import read_parts
from ichnos.scans.nifti_writer import save_nifti


def finding(subtype, dice, probability, volume_ml=0.0, form="HU"):
    return PaintedFinding("m", form, subtype, dice, volume_ml, probability)


def test_a_picture_of_eight_bits_holds_whole_numbers_to_255():
    shown = FORMS["8 bits"](replace(head(), voxels_hu=head().voxels_hu + np.float32(0.3))).voxels_hu
    assert (shown.min(), shown.max()) == (0.0, 255.0)
    assert (shown == shown.astype(np.uint8)).all()


def test_every_model_sees_every_slice_in_every_form(dense):
    found = list(look_at_painted(head(), {"m": dense(45.0), "n": dense(5000.0)}, 5, seed=0))
    assert len(found) == 2 * len(FORMS) * (len(head().voxels_hu) + 5)
    good = [one.dice for one in found if one.model == "m" and one.dice is not None]
    none = [one.dice for one in found if one.model == "n" and one.dice is not None]
    assert np.mean(good) > 0.5
    assert none == [0.0] * len(none)


def test_slices_without_much_brain_are_no_clean_ones(dense):
    hu = head().voxels_hu.copy()
    hu[0] = -1000.0
    found = list(look_at_painted(replace(head(), voxels_hu=hu), {"m": dense(45.0)}, 1, seed=0))
    assert sum(one.dice is None for one in found) == len(FORMS) * (len(hu) - 1)


def test_a_stage_writes_what_the_table_tells(dense, monkeypatch, tmp_path):
    monkeypatch.setattr(painted_slices, "load_judged_models", lambda *_: {"m": dense(45.0)})
    save_nifti(head().voxels_hu.astype(np.int16), head().geometry, head().source, tmp_path / "a.nii.gz")
    own = tmp_path / "own"
    own.mkdir()
    settings = {"folder": str(tmp_path / "a.nii.gz"), "count": 5, "seed": 1, "models": {}, "device": "cpu"}
    figures = judge_painted(own, {}, settings)
    (part,) = read_parts(own)
    assert figures["rows"] == [list(row) for row in part.tables[0].rows]
    assert tell_painted(read_painted(own)).tables[0].rows == part.tables[0].rows


def test_the_table_holds_means_by_subtype_and_the_area_under_the_curve():
    found = [
        finding("epidural", 0.5, 0.9),
        finding("subdural", 0.1, 0.2),
        finding("subdural", 0.3, 0.7),
        finding("", None, 0.3, volume_ml=1.5),
        finding("", None, 0.1),
    ]
    (table,) = tell_painted(found).tables
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert row["Dice"] == "0.30 ± 0.12"  # 0.2 / sqrt(3)
    assert (row["epidural"], row["subdural"], row["subarachnoid"]) == ("0.50", "0.20", "-")
    assert float(row["slice ROC-AUC"]) == pytest.approx(5 / 6, abs=5e-4)
    assert row["invented, mL"] == "1.5"
    assert "3 bleeds" in table.notes[0]
    assert "2 slices" in table.notes[0]
    assert table.rows[1][2] == "-"
    assert table.rows[1][-2] == "-"

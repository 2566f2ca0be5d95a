from dataclasses import replace

import numpy as np
import pytest
from tiny import box_scan

from ichnos.cohorts import case_slices
from ichnos.cohorts.case import Case, LabelledScan
from ichnos.cohorts.case_slices import GridSettings, fill_labels, to_slices
from ichnos.cohorts.slice_store import LABELS, MARKS
from ichnos.errors import GeometryError
from ichnos.phantoms import PhantomSettings, make_phantom
from ichnos.preprocessing.brain_mask import find_brain_mask
from ichnos.preprocessing.grid import ModelGrid
from ichnos.preprocessing.hu_window import HuWindow
from ichnos.preprocessing.recipe import Recipe

WHOLE = GridSettings(image_size=8)
UNKNOWN = np.full((4, 6), -1, np.int8)


def labelled(labels=UNKNOWN, masks=None, brain=None, **case):
    scan = box_scan()
    return LabelledScan(Case("a", "p", (), **case), scan, labels, masks, brain, {"wrapped": 2})


def drawn(*slices):
    voxels = np.zeros((4, 16, 16), bool)
    voxels[list(slices), 4:8, 4:8] = True
    return voxels


def names(row):
    return {name: int(value) for name, value in zip(LABELS, row, strict=True)}


def test_pixels_are_those_of_the_model_grid_in_parts_too(monkeypatch):
    phantom = make_phantom(1, PhantomSettings(slices=6, rows=64, columns=64))
    case = LabelledScan(Case("a", "p", ()), phantom.scan, np.full((6, 6), -1, np.int8), phantom.bleed_masks)
    settings = GridSettings(32, 230.0)
    whole = to_slices(case, settings)
    np.testing.assert_array_equal(
        whole.slices_hu, ModelGrid.place(phantom.scan, 32, 230.0).to_model(phantom.scan.voxels_hu)
    )
    monkeypatch.setattr(case_slices, "_AT_ONCE", 4)
    parts = to_slices(case, settings)
    np.testing.assert_array_equal(parts.slices_hu, whole.slices_hu)
    np.testing.assert_array_equal(parts.marks, whole.marks)


def test_the_record_leads_back_to_the_scans_grid():
    phantom = make_phantom(1, PhantomSettings(slices=6, rows=64, columns=64))
    record = to_slices(
        LabelledScan(Case("a", "p", ()), phantom.scan, np.full((6, 6), -1, np.int8), None), GridSettings(32, 230.0)
    ).record
    grid = ModelGrid.place(phantom.scan, 32, 230.0)
    assert record["rows"] == pytest.approx([grid.row_axis.start, grid.row_axis.step])
    assert record["columns"] == pytest.approx([grid.column_axis.start, grid.column_axis.step])
    assert record["pixel_mm"] == pytest.approx([230 / 32] * 2, abs=1e-4)
    assert record["shape"] == [6, 64, 64]


def test_what_the_case_says_is_kept():
    made = to_slices(
        labelled(scan_labels={"any": True}, identifiers={"series_uid": "1.2"}, hints={"batch": "B1"}, masks=None),
        WHOLE,
    )
    assert made.record["identifiers"] == {"series_uid": "1.2"}
    assert made.record["scan_labels"] == {"any": True}
    assert made.record["hints"] == {"batch": "B1"}
    assert made.record["repairs"] == {"wrapped": 2}
    assert made.record["brain_mask"] is None
    np.testing.assert_allclose(np.diff(made.z_mm), 5.0)


def test_a_cavity_without_drawn_blood_is_not_a_mask():
    brain = np.ones((4, 16, 16), bool)
    made = to_slices(labelled(brain=brain), WHOLE)
    assert (made.marks == MARKS["brain"]).all()
    assert made.blood_is_drawn is False
    assert made.record["brain_mask"] == "own"
    assert to_slices(labelled(), WHOLE).marks is None
    looked = to_slices(labelled(masks={}), WHOLE)
    assert looked.blood_is_drawn
    assert not looked.marks.any()


def test_the_classical_cavity_is_found_in_every_case():
    phantom = make_phantom(1, PhantomSettings(slices=8, rows=96, columns=96))
    case = LabelledScan(Case("a", "p", ()), phantom.scan, np.full((8, 6), -1, np.int8), None, phantom.brain_mask)
    settings = GridSettings(48, brain_mask="classical")
    made = to_slices(case, settings)
    found = find_brain_mask(phantom.scan)
    share = ModelGrid.place(phantom.scan, 48, None).fractions_to_model(found.mask.voxels.astype(np.float32))
    np.testing.assert_array_equal((made.marks & MARKS["brain"]) != 0, share >= 0.5)
    assert made.record["brain_mask"] == "classical"
    assert made.record["doubts"] == list(found.doubts)


def test_blood_that_vanishes_on_the_model_grid_is_counted():
    masks = {"subdural": drawn(1)}
    masks["subdural"][2, 5, 5] = True  # a quarter of a model pixel
    record = to_slices(labelled(masks=masks), WHOLE).record
    assert record["vanished_slices"] == 1


def test_blood_on_a_slice_labelled_healthy_is_counted_and_the_label_is_kept():
    labels = UNKNOWN.copy()
    labels[1] = 0
    made = to_slices(labelled(labels, {"any": drawn(1, 2)}), WHOLE)
    assert made.record["drawn_but_labelled_healthy"] == 1
    assert made.labels[1].tolist() == [0] * 6
    assert made.labels[2, 0] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bleed_masks": {"any": np.zeros((4, 16, 15), bool)}}, r"the any mask has shape \(4, 16, 15\), its scan"),
        ({"brain_mask": np.zeros((4, 15, 16), bool)}, r"the brain mask has shape \(4, 15, 16\)"),
        ({"slice_labels": np.zeros((5, 6), np.int8)}, "there are labels for 5 slices; the scan has 4"),
    ],
)
def test_what_does_not_fit_the_scan_is_refused(changes, message):
    with pytest.raises(GeometryError, match=message):
        to_slices(replace(labelled(), **changes), WHOLE)


def test_labels_are_told_by_masks_where_nobody_gave_them():
    masks = {"subdural": drawn(1), "any": drawn(2)}
    found = fill_labels(labelled(masks=masks))
    assert names(found[0]) == dict.fromkeys(LABELS, 0)
    assert names(found[1]) == {**dict.fromkeys(LABELS, 0), "any": 1, "subdural": 1}
    assert names(found[2]) == {**dict.fromkeys(LABELS, -1), "any": 1}


def test_looked_at_and_nothing_drawn_is_healthy():
    assert (fill_labels(labelled(masks={})) == 0).all()
    assert (fill_labels(labelled()) == -1).all()


def test_a_scan_label_says_no_for_every_slice_and_yes_for_none():
    found = fill_labels(labelled(scan_labels={"subdural": False, "epidural": True}))
    assert {tuple(row) for row in found.tolist()} == {(-1, -1, -1, -1, -1, 0)}
    assert (fill_labels(labelled(scan_labels={"any": False})) == 0).all()


def test_labels_follow_from_each_other():
    labels = UNKNOWN.copy()
    labels[0, 3] = 1
    labels[1, 1:] = 0
    labels[2, 0] = 0
    found = fill_labels(labelled(labels))
    assert found[0].tolist() == [1, -1, -1, 1, -1, -1]
    assert found[1].tolist() == [0] * 6
    assert found[2].tolist() == [0] * 6
    assert found[3].tolist() == [-1] * 6


def test_a_label_that_was_given_is_never_changed():
    rng = np.random.default_rng(0)
    for _ in range(50):
        labels = rng.integers(-1, 2, (4, 6)).astype(np.int8)
        told = {name: bool(rng.integers(2)) for name in LABELS if rng.integers(2)}
        masks = {"subdural": drawn(int(rng.integers(4)))} if rng.integers(2) else None
        found = fill_labels(labelled(labels, masks, scan_labels=told))
        np.testing.assert_array_equal(found[labels != -1], labels[labels != -1])


def test_hu_are_cut_off_as_the_recipe_says_before_slices_are_resampled():
    phantom = make_phantom(1, PhantomSettings(slices=3, rows=64, columns=64))
    recipe = Recipe(hu_windows=(HuWindow(40, 80),), image_size=24, field_of_view_mm=230.0, cut_off_hu=(0.0, 255.0))
    case = LabelledScan(Case("a", "p", ()), phantom.scan, np.full((3, 6), -1, np.int8), None)
    made = to_slices(case, GridSettings.of(recipe))
    np.testing.assert_array_equal(made.slices_hu, recipe.place(phantom.scan)[1])
    assert made.slices_hu.max() < 255.01

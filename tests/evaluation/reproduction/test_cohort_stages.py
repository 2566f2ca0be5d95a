import json

import numpy as np
import pytest
from tiny_scales import WORLD

from ichnos.cohorts.folds import read_folds
from ichnos.cohorts.slice_store import load_store
from ichnos.errors import UsageError
from ichnos.evaluation.reproduction.cohort_stages import (
    describe_source,
    freeze_folds,
    make_test_cohort,
    make_weak_store,
    open_test_cohort,
    read_parts,
    split_for_budgets,
)
from ichnos.evaluation.reproduction.plan import stage_folder
from ichnos.evaluation.reproduction.scale import Collection, Phantoms

GRID = {"hu_windows": [{"level_hu": 40, "width_hu": 80}], "image_size": 32, "field_of_view_mm": 230.0}


def test_a_source_is_described_in_plain_values(tmp_path):
    made = describe_source(Phantoms(3, 5, WORLD), GRID)
    assert (made["count"], made["first_seed"], made["phantoms"]["slices"]) == (3, 5, 8)
    read = describe_source(Collection("rsna-2019", tmp_path), GRID)
    assert (read["reader"], read["root"]) == ("rsna-2019", str(tmp_path))


def test_a_collection_on_disk_is_read_where_it_lies(experiment, tmp_path):
    phantoms = stage_folder(experiment, "test") / "cohort"
    settings = {**describe_source(Collection("phantoms", phantoms), GRID), "workers": 1}
    figures = make_test_cohort(tmp_path / "test", {}, settings)
    assert figures["cases"] == 8
    assert not (tmp_path / "test" / "cohort").exists()
    assert len(open_test_cohort(tmp_path / "test").cases) == 8
    assert make_weak_store(tmp_path / "weak", {}, settings)["slices"] == figures["slices"]


def test_phantoms_are_labelled_as_somebody_who_labels_slices_would(experiment):
    stage = stage_folder(experiment, "test")
    cohort, store = open_test_cohort(stage), load_store(stage / "store")
    for case in cohort.cases:
        labelled = cohort.load(case)
        nothing = np.zeros(len(labelled.slice_labels), int)
        drawn = sum((voxels.sum(axis=(1, 2)) for voxels in labelled.bleed_masks.values()), nothing)
        area_mm2 = drawn * labelled.scan.geometry.pixel_areas_mm2
        told = labelled.slice_labels[:, 0] == 1
        assert np.array_equal(told, area_mm2 >= 20.0)
        assert np.array_equal(store.is_positive[store.cases == store.names.index(case.case)], told)


def test_phantoms_that_are_there_are_not_made_again(tmp_path):
    settings = {**describe_source(Phantoms(2, 0, WORLD), GRID), "workers": 1}
    make_test_cohort(tmp_path, {}, settings)
    first = tmp_path / "cohort" / "scans" / "phantom-0000.nii.gz"
    before = first.stat().st_mtime_ns
    (tmp_path / "cohort" / "truth" / "phantom-0001" / "labels.csv").unlink()  # killed while it was written
    make_test_cohort(tmp_path, {}, settings)
    assert first.stat().st_mtime_ns == before
    assert (tmp_path / "cohort" / "truth" / "phantom-0001" / "labels.csv").is_file()


def test_folds_are_frozen_by_patient(experiment, tmp_path):
    needs = {"test": stage_folder(experiment, "test")}
    for rule in ("paper", "stratified"):
        own = tmp_path / rule
        counts = freeze_folds(own, needs, {"cohort": "test", "rule": rule, "count": 2, "seed": 0})
        folds = read_folds(own / "folds.json")
        assert sum(counts["cases"]) == len(folds.names) == 8
        folds.check(load_store(needs["test"] / "store"))


def test_parts_for_budgets_share_no_case(experiment, tmp_path):
    needs = {"test": stage_folder(experiment, "test")}
    bleeding = len({*_bleeding(needs["test"])})
    parts = {"pool": bleeding - 2, "validation": 1, "test": 1}
    settings = {
        "cohort": "test",
        "parts": parts,
        "seed": 0,
        "largest": 1,
        "preprocessing": _grid(experiment),
        "workers": 1,
    }
    figures = split_for_budgets(tmp_path, needs, settings)
    read = read_parts(tmp_path)
    assert sorted(name for names in read.values() for name in names) == sorted(
        load_store(needs["test"] / "store").names
    )
    assert set(load_store(tmp_path / "pool").names) == set(read["pool"])
    assert set(load_store(tmp_path / "validation").names) == set(read["validation"])
    assert figures["masks"] >= 1
    with pytest.raises(UsageError, match="largest budget is 99"):
        split_for_budgets(tmp_path / "large", needs, {**settings, "largest": 99})


def _bleeding(stage):
    store = load_store(stage / "store")
    return [store.names[case] for case in set(store.cases[store.is_positive].tolist())]


def _grid(experiment):
    plan = json.loads((experiment / "plan.json").read_text())
    return next(stage["settings"]["preprocessing"] for stage in plan["stages"] if stage["name"] == "test")

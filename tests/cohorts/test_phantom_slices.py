from dataclasses import replace

import numpy as np
import pytest
from tiny import SETTINGS, box_scan, tiny_recipe

from ichnos.cohorts import phantom_slices
from ichnos.cohorts.phantom_slices import LABELLED_MM2, make_case, prepare_phantoms
from ichnos.cohorts.slice_store import LABELS, MARKS
from ichnos.phantoms import Phantom, make_phantom
from ichnos.preprocessing.grid import ModelGrid

SEEDS = [5, 3, 9]
RECIPE = tiny_recipe().preprocessing


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def all_hu(store):
    return store.hu[np.arange(len(store))]


@pytest.fixture(scope="module")
def store_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms") / "store"
    prepare_phantoms(SEEDS, SETTINGS, RECIPE, folder, workers=1)
    return folder


@pytest.fixture
def no_phantoms(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a phantom was made")

    monkeypatch.setattr(phantom_slices, "make_phantom", refuse)


def test_two_workers_make_the_same_bits_as_one(store_folder, tmp_path):
    prepare_phantoms(SEEDS, SETTINGS, RECIPE, tmp_path / "store", workers=2)
    assert contents(tmp_path / "store") == contents(store_folder)


@pytest.mark.usefixtures("no_phantoms")
def test_an_equal_store_is_taken_as_it_is(store_folder):
    before = contents(store_folder)
    store = prepare_phantoms(SEEDS, SETTINGS, RECIPE, store_folder, workers=1)
    assert len(store.labels) == len(SEEDS) * SETTINGS.slices
    assert contents(store_folder) == before


@pytest.mark.parametrize(
    ("seed", "settings", "recipe"),
    [
        (3, SETTINGS, RECIPE),
        (5, replace(SETTINGS, slices=5), RECIPE),
        (5, replace(SETTINGS, noise_hu=(0.0, 0.0)), RECIPE),
        (5, SETTINGS, RECIPE.model_copy(update={"image_size": 16})),
        (5, SETTINGS, RECIPE.model_copy(update={"field_of_view_mm": None})),
    ],
    ids=["seed", "slices", "noise", "image size", "field of view"],
)
def test_a_store_made_otherwise_is_made_again(tmp_path, seed, settings, recipe):
    before = all_hu(prepare_phantoms([5], SETTINGS, RECIPE, tmp_path, workers=1))
    store = prepare_phantoms([seed], settings, recipe, tmp_path, workers=1)
    np.testing.assert_array_equal(all_hu(store), np.rint(make_case(seed, settings, recipe).slices_hu))
    assert not np.array_equal(all_hu(store), before)


def test_a_store_labelled_otherwise_is_made_again(tmp_path, monkeypatch):
    assert prepare_phantoms([5], SETTINGS, RECIPE, tmp_path, workers=1).labels.any()
    monkeypatch.setattr(phantom_slices, "LABELLED_MM2", 1e6)
    assert not prepare_phantoms([5], SETTINGS, RECIPE, tmp_path, workers=1).labels.any()


@pytest.mark.usefixtures("no_phantoms")
def test_windows_do_not_ask_for_a_new_store(store_folder):
    other = RECIPE.model_copy(update={"hu_windows": RECIPE.hu_windows[:1], "mean": 0.0})
    prepare_phantoms(SEEDS, SETTINGS, other, store_folder, workers=1)


def test_an_unfinished_store_is_made_again(store_folder, tmp_path):
    (tmp_path / "shards").mkdir()
    for name, content in contents(store_folder).items():
        (tmp_path / name).write_bytes(content[:-8])
    (tmp_path / "store.json").unlink()
    prepare_phantoms(SEEDS, SETTINGS, RECIPE, tmp_path, workers=1)
    assert contents(tmp_path) == contents(store_folder)


@pytest.mark.parametrize("seed", range(4))
def test_a_case_is_the_phantom_on_the_model_grid_with_its_labels(seed):
    phantom, case = make_phantom(seed, SETTINGS), make_case(seed, SETTINGS, RECIPE)
    grid = ModelGrid.place(phantom.scan, RECIPE.image_size, RECIPE.field_of_view_mm)
    np.testing.assert_array_equal(case.slices_hu, grid.to_model(phantom.scan.voxels_hu))
    _, row_mm, column_mm = phantom.scan.geometry.spacing_mm
    for z in range(SETTINGS.slices):
        seen = {
            name for name, mask in phantom.bleed_masks.items() if mask[z].sum() * row_mm * column_mm >= LABELLED_MM2
        }
        assert case.labels[z].tolist() == [bool(seen), *(name in seen for name in LABELS[1:])]


@pytest.mark.parametrize("seed", range(4))
def test_a_case_is_marked_where_half_a_pixel_is(seed):
    phantom, case = make_phantom(seed, SETTINGS), make_case(seed, SETTINGS, RECIPE)
    grid = ModelGrid.place(phantom.scan, RECIPE.image_size, RECIPE.field_of_view_mm)
    for name, bit in MARKS.items():
        drawn = phantom.brain_mask if name == "brain" else phantom.bleed_masks.get(name)
        if drawn is None:
            assert not (case.marks & bit).any()
        else:
            share = grid.fractions_to_model(drawn.astype(np.float32))
            np.testing.assert_array_equal((case.marks & bit) != 0, share >= 0.5)
            assert ((case.marks & bit) != 0).sum() == pytest.approx(share.sum(), rel=0.1, abs=20)


@pytest.mark.parametrize(("pixels", "is_seen"), [(0, False), (19, False), (20, True)])
def test_a_trace_of_blood_is_not_labelled(monkeypatch, pixels, is_seen):
    scan = box_scan()
    bleed = np.zeros(scan.voxels_hu.shape, bool)
    bleed[2].flat[:pixels] = True
    made = Phantom(scan, {"subdural": bleed}, np.ones_like(bleed), seed=7)
    monkeypatch.setattr(phantom_slices, "make_phantom", lambda *_: made)
    labels = make_case(7, SETTINGS, RECIPE).labels
    assert labels[2].tolist() == [is_seen, *(is_seen and name == "subdural" for name in LABELS[1:])]
    assert not labels[[0, 1, 3]].any()


def test_each_phantom_is_a_patient_of_its_own(store_folder):
    store = prepare_phantoms(SEEDS, SETTINGS, RECIPE, store_folder, workers=1)
    assert store.patients == ("phantom-0005", "phantom-0003", "phantom-0009")
    assert store.cases.tolist() == [number for number in range(3) for _ in range(SETTINGS.slices)]


def test_some_of_the_seeds_bleed(store_folder):
    """Otherwise the tests above compare nothing with nothing."""
    labels = np.concatenate([make_case(seed, SETTINGS, RECIPE).labels for seed in range(4)])
    assert labels[:, 0].any()
    assert not labels[:, 0].all()

import json
from pathlib import Path

import pytest
from cohorts.phantom_cohort import open_phantoms, write_collection
from cohorts.store_cases import contents
from typer.testing import CliRunner

from ichnos.cli.app import app
from ichnos.cli.prepare import PrepareOptions, choose_grid, judge
from ichnos.cohorts.case_slices import GridSettings
from ichnos.cohorts.readers import registry
from ichnos.cohorts.slice_store import open_store
from ichnos.errors import UsageError
from ichnos.training.recipe import load_recipe


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    root = tmp_path_factory.mktemp("collection")
    write_collection(root, range(4))
    return root


@pytest.fixture(autouse=True)
def made_up_reader(monkeypatch):
    monkeypatch.setitem(registry.READERS, "made-up", open_phantoms)


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def prepare(root, store, *more):
    return run("prepare", "made-up", "-i", root, "-o", store, "--image-size", 32, "--workers", 1, *more)


def test_a_collection_becomes_a_store(collection, tmp_path):
    done = prepare(collection, tmp_path / "store", "--json")
    assert done.exit_code == 0, done.output
    store = open_store(tmp_path / "store", verify="checksums")
    assert len(store) == 24
    assert store.hu.shape == (24, 32, 32)
    assert json.loads(done.stdout)["totals"]["repairs"] == {"made_up": 4}
    assert json.loads((tmp_path / "store" / "run.json").read_text())["settings"]["image_size"] == 32
    assert "Wrote 24 slices of 4 cases, 2 patients" in done.stderr
    assert "note: a note" in done.stderr


def test_quiet_says_nothing_where_all_is_well(collection, tmp_path):
    done = prepare(collection, tmp_path / "store", "-q")
    assert (done.exit_code, done.stderr.strip(), done.stdout) == (0, "", "")


def broken(collection, tmp_path):
    root = tmp_path / "broken"
    for path in collection.rglob("*"):
        if path.is_file():
            place = root / path.relative_to(collection)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    for path in (root / "scans" / "phantom-0002").glob("*.dcm"):
        path.write_bytes(path.read_bytes()[:-100])
    (root / "scans" / "notes.txt").write_text("junk")
    return root


def test_a_bad_case_is_named_and_the_exit_code_tells(collection, tmp_path):
    root = broken(collection, tmp_path)
    done = prepare(root, tmp_path / "store", "-q")
    assert done.exit_code == 1
    assert "1 of 4 cases could not be used, 1 other files or cases were left out" in done.stderr
    rows = (tmp_path / "store" / "skipped.csv").read_text().splitlines()
    assert rows[:2] == ["name,reason", "notes.txt,not a folder"]
    assert rows[2].startswith("phantom-0002,")
    assert len(rows) == 3
    assert open_store(tmp_path / "store").names == ("phantom-0000", "phantom-0001", "phantom-0003")
    assert prepare(root, tmp_path / "store", "--max-bad", 0.4).exit_code == 0
    assert prepare(root, tmp_path / "store", "--max-bad", 0.3).exit_code == 1


def test_other_settings_are_refused_until_overwritten(collection, tmp_path):
    prepare(collection, tmp_path / "store")
    again = run("prepare", "made-up", "-i", collection, "-o", tmp_path / "store", "--image-size", 16)
    assert again.exit_code == 2
    assert "image_size is 32 there, 16 here; give --overwrite, or another -o" in again.stderr
    done = run("prepare", "made-up", "-i", collection, "-o", tmp_path / "store", "--image-size", 16, "--overwrite")
    assert done.exit_code == 0, done.output
    assert open_store(tmp_path / "store").hu.shape == (24, 16, 16)


def test_where_the_collection_lies_does_not_matter(collection, tmp_path):
    prepare(collection, tmp_path / "one")
    moved = tmp_path / "moved"
    collection.rename(moved)
    try:
        prepare(moved, tmp_path / "two")
    finally:
        moved.rename(collection)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("prepare", "made-ip", "-i", ".", "-o", "x"), "no collection is called 'made-ip'; did you mean 'made-up'?"),
        (("prepare", "made-up", "-i", "nowhere", "-o", "x"), "nowhere: no such file or folder"),
        (("prepare", "made-up", "-i", ".", "-o", "x", "--max-bad", "2"), "--max-bad is a share from 0 to 1; got 2.0"),
        (("prepare", "made-up", "-i", ".", "-o", "x", "--rater", "1"), "made-up does not take 'rater'"),
        (("prepare", "made-up", "-i", ".", "-o", "x", "--brain-mask", "bet"), "--brain-mask is own or classical"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.exit_code in {1, 2}
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "x").exists()


def options(**changes):
    return PrepareOptions("made-up", Path("in"), Path("out"), **changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, GridSettings(128, 240.0)),
        ({"recipe": "paper"}, GridSettings(384)),
        ({"recipe": "reference"}, GridSettings(384, None, 422)),
        ({"recipe": "paper", "image_size": 256}, GridSettings(256)),
        ({"field_of_view_mm": 0.0}, GridSettings(128)),
        ({"recipe": "reference", "field_of_view_mm": 220.0}, GridSettings(384, 220.0)),
        ({"brain_mask": "classical"}, GridSettings(128, 240.0, brain_mask="classical")),
    ],
)
def test_the_grid_is_the_presets_with_what_was_changed(changes, expected):
    assert choose_grid(options(**changes)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"^no recipe '.*'; give paper, reference, ichnos, a recipe that `ichnos info` lists, or a .toml file$"),
        ("a = [", "is not TOML"),
        ("image_size = 0", "is no preprocessing recipe: hu_windows: Field required"),
    ],
)
def test_a_recipe_that_is_none_is_one_line(tmp_path, text, message):
    path = tmp_path / "recipe.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=message):
        choose_grid(options(recipe=str(path)))


def test_a_recipe_of_the_package_gives_the_grid_that_training_asks_for():
    asked = load_recipe("phantom-unet").preprocessing
    grid = choose_grid(PrepareOptions("phantoms", Path("in"), Path("out"), recipe="phantom-unet"))
    assert (grid.image_size, grid.field_of_view_mm) == (asked.image_size, asked.field_of_view_mm)


def test_a_training_recipe_gives_its_grid(tmp_path):
    window = "hu_windows = [{level_hu = 40, width_hu = 80}]"
    (tmp_path / "recipe.toml").write_text(f"seed = 1\n[preprocessing]\nimage_size = 96\n{window}\n")
    assert choose_grid(options(recipe=str(tmp_path / "recipe.toml"))) == GridSettings(96)


@pytest.mark.parametrize(
    ("failed", "cases", "left_out", "max_bad", "is_bad"),
    [
        (0, 10, 0, None, False),
        (1, 1000, 0, None, True),
        (0, 95, 5, None, False),
        (0, 94, 6, None, True),
        (1, 100, 0, 0.01, False),
        (2, 100, 0, 0.01, True),
        (0, 9, 1, 0.0, True),
        (0, 9, 1, 0.1, False),
    ],
)
def test_what_is_too_bad(failed, cases, left_out, max_bad, is_bad):
    assert judge(failed, cases, left_out, max_bad) is is_bad

import json

import pytest
from cohorts.phantom_cohort import open_phantoms, write_collection
from typer.testing import CliRunner

from ichnos.cli.app import app
from ichnos.cohorts.case_slices import GridSettings
from ichnos.cohorts.folds import read_folds
from ichnos.cohorts.prepare import prepare


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Two stores on other grids; the second shares phantom 3 with the first."""
    root = tmp_path_factory.mktemp("stores")
    for name, seeds, size in (("first", range(4), 48), ("second", range(3, 6), 32)):
        write_collection(root / f"{name}-files", seeds)
        prepare(open_phantoms(root / f"{name}-files"), GridSettings(size), root / name, workers=1)
    return root


def test_show_counts_and_draws(stores, tmp_path):
    done = run("cohort", "show", stores / "first", "-o", tmp_path / "sheet.png", "--json", "--check")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["slices"] == 24
    assert "made-up: 4 scans of 2 patients, 24 slices of 48 x 48 pixels" in done.stderr
    assert (tmp_path / "sheet.png").read_bytes()[:4] == b"\x89PNG"


def test_show_needs_a_store_and_a_png(stores, tmp_path):
    done = run("cohort", "show", tmp_path)
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
    assert "holds no finished slice store" in done.stderr
    assert run("cohort", "show", stores / "first", "-o", tmp_path / "sheet.jpg").exit_code == 2


def test_split_freezes_folds_and_does_not_replace_them(stores, tmp_path):
    done = run("cohort", "split", stores / "second", "-o", tmp_path / "folds.json", "-k", 2)
    assert done.exit_code == 0, done.output
    folds = read_folds(tmp_path / "folds.json")
    assert set(folds.names) == {"phantom-0003", "phantom-0004", "phantom-0005"}
    assert run("cohort", "split", stores / "second", "-o", tmp_path / "folds.json", "-k", 2).exit_code == 2
    assert run("cohort", "split", stores / "second", "-o", tmp_path / "f.json", "-k", 3).exit_code == 2


def test_overlap_is_found_and_told_by_the_exit_code(stores):
    done = run("cohort", "overlap", stores / "first", stores / "second", "--json")
    assert done.exit_code == 1
    pairs = json.loads(done.stdout)["pairs"]
    assert ("phantom-0003", "phantom-0003") in {(pair["train"], pair["test"]) for pair in pairs}
    assert "Test cases that are in the training store" in done.stderr

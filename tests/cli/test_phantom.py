from pathlib import Path

import pytest
from typer.testing import CliRunner

from ichnos.cli import phantom as command
from ichnos.cli.app import app
from ichnos.errors import UsageError
from ichnos.phantoms import Phantom, PhantomSettings, make_phantom
from ichnos.phantoms.features import WIDE
from ichnos.scans import read_mask, read_scan

SMALL = PhantomSettings(slices=8, rows=64, columns=64, bleed_probability=1.0)


@pytest.fixture(autouse=True)
def small_phantoms(monkeypatch: pytest.MonkeyPatch) -> None:
    def make_small(seed: int, _: PhantomSettings) -> Phantom:
        return make_phantom(seed, SMALL)

    monkeypatch.setattr(command, "make_phantom", make_small)


@pytest.mark.parametrize("as_", ["dicom", "nifti"])
def test_phantoms_read_back_with_their_volume(tmp_path: Path, as_: str) -> None:
    command.run_phantom(tmp_path, [3, 4], as_, overwrite=False, quiet=True)
    for seed in (3, 4):
        name = f"phantom-{seed:04d}"
        truth = make_phantom(seed, SMALL)
        scan = read_scan(tmp_path / "scans" / (name if as_ == "dicom" else f"{name}.nii.gz"))
        bleed = read_mask(tmp_path / "truth" / name / "bleed.nii.gz")
        assert scan.voxels_hu.shape == truth.scan.voxels_hu.shape
        assert bleed.volume_ml == pytest.approx(truth.scan.geometry.volume_ml(truth.bleed_mask), rel=0.005)


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        command.run_phantom(tmp_path / name, [5], "dicom", overwrite=False, quiet=True)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) > 8
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_what_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    command.run_phantom(tmp_path, [1], "nifti", overwrite=False, quiet=True)
    with pytest.raises(UsageError, match="phantom-0001 is there already; give --overwrite"):
        command.run_phantom(tmp_path, [1], "nifti", overwrite=False, quiet=True)
    command.run_phantom(tmp_path, [1], "dicom", overwrite=True, quiet=True)
    assert not (tmp_path / "scans" / "phantom-0001.nii.gz").exists()


def test_features_are_chosen_by_name() -> None:
    assert command.choose_settings([]) == PhantomSettings()
    assert command.choose_settings(["operated", "dura"]).features == {"operated": 1.0, "dura": 1.0}
    wide = command.choose_settings(["wide", "dura"]).features
    assert set(wide) == set(WIDE)
    assert (wide["dura"], wide["operated"]) == (1.0, WIDE["operated"])
    with pytest.raises(UsageError, match=r"no feature is called 'durra'; did you mean 'dura'"):
        command.choose_settings(["durra"])


def test_a_feature_reaches_the_phantom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(command, "make_phantom", lambda _, settings: made.append(settings) or make_phantom(1, SMALL))
    result = CliRunner().invoke(app, ["phantom", "-o", str(tmp_path), "--feature", "table", "--feature", "dura"])
    assert result.exit_code == 0, result.stderr
    assert made == [PhantomSettings(features={"table": 1.0, "dura": 1.0})]

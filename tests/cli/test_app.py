"""The commands as a user types them: exit codes, one-line errors, nothing on stdout but results."""

import json
import os
from pathlib import Path

import pytest
from segmentation.stubs import save_stub
from typer.testing import CliRunner

from ichnos.cli.app import app

COMMANDS = ("segment", "explain", "phantom", "train", "import-weights", "demo", "info")


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_help_lists_the_commands_and_says_research_use() -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert all(command in out for command in COMMANDS)
    assert "Research use only" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "Usage" in out


def test_an_unknown_option_is_wrong_usage() -> None:
    assert run("segment", "--nonsense")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("segment", "-i", "nowhere", "-o", "out"), 1, "nowhere does not exist"),
        (("segment", "-i", ".", "-o", "out", "-m", "nowhere"), 2, "no bundled model is called 'nowhere'"),
        (("phantom", "-o", "out", "--as", "jpeg"), 2, "--as must be dicom or nifti; got 'jpeg'"),
        (("train", "phantom-swim", "-o", "out"), 2, "no recipe is called 'phantom-swim'"),
        (("import-weights", "nowhere.pth", "-o", "out"), 1, "nowhere.pth does not exist"),
        (("import-weights", "nowhere.pth", "-o", "out", "--preset", "papers"), 2, "no preset is called 'papers'"),
        (("train", "phantom-demo", "-o", "out", "--set", "seeed=1"), 2, "did you mean 'seed'?"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    arguments: tuple[str, ...], code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found, out, err = run(*arguments)
    assert found == code
    assert message in err
    assert err.startswith("ichnos: ")
    assert err.count("\n") == 1
    assert out == ""
    assert "Traceback" not in err


def test_info_as_json_is_all_that_is_on_stdout() -> None:
    code, out, err = run("info", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["notice"].startswith("Research use only")


def test_segment_as_json(tmp_path: Path) -> None:
    (tmp_path / "bad.nii.gz").write_bytes(b"not a NIfTI")
    code, out, err = run(
        "segment", "-i", tmp_path, "-o", tmp_path / "out", "-m", save_stub(tmp_path / "model"), "--json"
    )
    assert code == 1
    assert json.loads(out)["cases"][0]["status"] == "failed"
    assert "bad: failed: " in err


def test_waiting_threads_sleep() -> None:
    """Set before torch is loaded: spinning threads slow a shared machine several times."""
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"

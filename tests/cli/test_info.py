import json
import shutil
import subprocess
import sys

import pytest

from ichnos.cli import info
from ichnos.cli.info import run_info
from ichnos.runtime.provenance import RESEARCH_USE, collect_versions


@pytest.fixture
def package(tmp_path, monkeypatch, tiny_checkpoint):
    """A package folder with one model and two recipes."""
    shutil.copytree(tiny_checkpoint, tmp_path / "weights" / "small")
    (tmp_path / "recipes").mkdir()
    for name in ("b.toml", "a.toml", "notes.txt"):
        (tmp_path / "recipes" / name).touch()
    monkeypatch.setattr(info, "files", lambda _: tmp_path)
    return tmp_path


def test_json_holds_versions_models_and_recipes(package, capsys):
    run_info(as_json=True)
    out, err = capsys.readouterr()
    content = json.loads(out)
    described = json.loads((package / "weights" / "small" / "ichnos.json").read_text())
    assert content["versions"] == collect_versions()
    assert content["recipes"] == ["a", "b"]
    assert content["notice"] == RESEARCH_USE
    assert content["models"]["small"]["trained_on"] == described["training"]["data"]
    assert content["models"]["small"]["sha256"] == described["sha256"]
    size = (package / "weights" / "small" / "model.safetensors").stat().st_size
    assert content["models"]["small"]["megabytes"] == pytest.approx(size / 1e6, abs=0.05)
    assert err == ""


@pytest.mark.usefixtures("package")
def test_text_holds_the_same(capsys, monkeypatch):
    monkeypatch.setattr(info, "find_commit", lambda: "abc123")
    monkeypatch.setattr(info, "BUNDLED", {"small": "a model"})
    run_info(as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[: len(collect_versions())]] == list(collect_versions())
    assert "commit        abc123" in lines
    assert "recipe        a" in lines
    assert any(line.startswith("model         small: 8 synthetic phantoms") for line in lines)
    assert not any("brain mask" in line for line in lines)
    monkeypatch.setattr(info, "BUNDLED", {})  # nothing that `segment -m` takes by name
    run_info(as_json=False)
    assert "brain mask    small: 8 synthetic phantoms" in capsys.readouterr().out
    assert lines[-1] == RESEARCH_USE


@pytest.mark.usefixtures("package")
def test_without_a_checkout_it_says_so(capsys, monkeypatch):
    monkeypatch.setattr(info, "find_commit", lambda: None)
    run_info(as_json=False)
    assert "commit        not a source checkout" in capsys.readouterr().out


def test_a_package_without_models_is_described(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(info, "files", lambda _: tmp_path)
    run_info(as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert (content["models"], content["recipes"]) == ({}, [])


def test_it_loads_no_torch():
    code = "import sys; from ichnos.cli.info import run_info; run_info(as_json=False); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PATH = Path(__file__).resolve().parents[2] / "tools" / "copy_reproduction.py"


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location("copy_reproduction", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fill(folder, papers, pixels=8):
    for paper in papers:
        (folder / paper / "pictures").mkdir(parents=True)
        (folder / paper / "index.md").write_text(f"# {paper}\n")
        noise = np.random.default_rng(0).integers(0, 256, (pixels, pixels, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / paper / "pictures" / f"{paper}.png")


def test_pages_and_pictures_are_copied(tool, tmp_path):
    fill(tmp_path / "work", tool.PAPERS)
    stale = tmp_path / "docs" / "pictures" / "old.png"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"")
    assert tool.main(tmp_path / "work", tmp_path / "docs") == 0
    assert (tmp_path / "docs" / "hgi-sam.md").read_text() == "# hgi-sam\n"
    assert not stale.exists()
    with Image.open(tmp_path / "docs" / "pictures" / "hgi-sam.png") as picture:
        assert len(picture.convert("RGB").getcolors()) <= tool.COLOURS


def test_what_is_not_finished_is_not_copied(tool, tmp_path, capsys):
    fill(tmp_path / "work", ["hgi-sam"])
    assert tool.main(tmp_path / "work", tmp_path / "docs") == 1
    assert "no finished label-efficient" in capsys.readouterr().err
    assert not (tmp_path / "docs").exists()


def test_pictures_that_are_too_large_are_refused(tool, tmp_path):
    fill(tmp_path / "work", tool.PAPERS, pixels=600)
    assert tool.main(tmp_path / "work", tmp_path / "docs") == 1

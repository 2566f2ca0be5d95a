import importlib.util
import json
from pathlib import Path

import pytest
from segmentation.stubs import make_unet_checkpoint

from ichnos.models.checkpoint import load_checkpoint, save_checkpoint


@pytest.fixture
def tool(monkeypatch):
    place = Path(__file__).parents[2] / "tools" / "bundle_model.py"
    spec = importlib.util.spec_from_file_location("bundle_model", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "measure", lambda checkpoint, name: {"mean_dice": 0.5, "slices": 1.0})
    return module


def test_another_grid_is_seen_and_told_and_all_else_kept(tool, tmp_path):
    trained = make_unet_checkpoint(6)
    trained.training.setdefault("data", "3 phantoms; no patient data")
    trained.training.setdefault("labels", "masks")
    trained.training.setdefault("data_licence", "none needed")
    save_checkpoint(trained, tmp_path / "from", "card")
    arguments = [str(tmp_path / "from"), str(tmp_path / "fine"), "--image-size", "48", "--fov-mm", "206"]
    assert tool.main(arguments) == 0
    before, after = (json.loads((tmp_path / name / "ichnos.json").read_text()) for name in ("from", "fine"))
    assert (after["preprocessing"]["image_size"], after["preprocessing"]["field_of_view_mm"]) == (48, 206.0)
    rest = {"image_size": 48, "field_of_view_mm": 206.0}
    assert {**before["preprocessing"], **rest} == after["preprocessing"]
    assert before["segmentation"] == after["segmentation"]
    assert after["training"]["test"] == {"mean_dice": 0.5, "slices": 1.0}
    assert "# fine" in (tmp_path / "fine" / "README.md").read_text()
    load_checkpoint(tmp_path / "fine")


def test_a_missing_folder_is_told_in_one_line(tool, tmp_path, capsys):
    asked = [str(tmp_path / "nowhere"), str(tmp_path / "out"), "--image-size", "48", "--fov-mm", "206"]
    assert tool.main(asked) == 1
    told = capsys.readouterr().err
    assert "nowhere" in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()

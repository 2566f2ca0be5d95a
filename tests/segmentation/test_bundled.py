import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ichnos.errors import UsageError
from ichnos.segmentation.bundled import BUNDLED, DEFAULT, bundled_checkpoint, find_model


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_model_is_whole_and_small(name):
    folder = bundled_checkpoint(name)
    assert {file.name for file in folder.iterdir()} == {"README.md", "ichnos.json", "model.safetensors"}
    assert sum(file.stat().st_size for file in folder.iterdir()) < 15e6
    assert json.loads((folder / "ichnos.json").read_text())["training"]["data"]


def test_nothing_asked_is_the_default():
    assert find_model(None) == find_model(DEFAULT) == bundled_checkpoint(DEFAULT)


def test_a_folder_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_model(DEFAULT).is_absolute()
    (tmp_path / DEFAULT).mkdir()
    assert find_model(DEFAULT) == Path(DEFAULT)


def test_a_slip_of_the_finger_gets_the_nearest_name():
    with pytest.raises(
        UsageError,
        match=r"^no bundled model is called 'phantom-swin-hgj'; did you mean 'phantom-swin-hgi'\? there are: .*"
        r"phantom-swin-hgi.*; or give the folder of a checkpoint$",
    ):
        find_model("phantom-swin-hgj")
    with pytest.raises(UsageError, match=re.escape("'models/mine'; there are: ")):
        find_model(Path("models/mine"))


def test_choosing_loads_no_torch():
    code = "import sys, ichnos.segmentation.bundled; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

import json
from pathlib import Path

import pytest
from tiny import SWIN, tiny_recipe

from ichnos.cli import train as train_command
from ichnos.cli.train import TrainOptions, run_train
from ichnos.errors import UsageError
from ichnos.segmentation.segmenter import load_segmenter


def test_a_run_leaves_a_checkpoint_that_segments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "model"
    run_train(tiny_recipe(), out, TrainOptions("cpu", workers=1, overwrite=False, quiet=False))
    segmenter = load_segmenter(out, "cpu")
    description = json.loads((out / "ichnos.json").read_text())
    assert segmenter.settings.map_threshold == description["segmentation"]["map_threshold"]
    assert description["training"]["test"]["slices"] == 64  # two phantoms of 32 slices, at their natural settings
    assert "never seen a patient" in (out / "README.md").read_text()
    assert json.loads((out / "run.json").read_text())["recipe"]["seed"] == 3
    assert "next: ichnos segment -m" in capsys.readouterr().err

    with pytest.raises(UsageError, match="finished checkpoint; give --overwrite"):
        run_train(tiny_recipe(), out, TrainOptions("cpu", workers=1, overwrite=False, quiet=True))
    before = (out / "model.safetensors").read_bytes()
    run_train(tiny_recipe(), out, TrainOptions("cpu", workers=1, overwrite=True, quiet=True))
    assert (out / "model.safetensors").read_bytes() == before


def test_an_unfinished_run_of_another_recipe_is_not_gone_on_with(tmp_path: Path) -> None:
    work = tmp_path / "model" / "work"
    work.mkdir(parents=True)
    (work / "recipe.json").write_text(json.dumps(tiny_recipe(seed=4).model_dump(mode="json")))
    (work / "last.ckpt").touch()
    with pytest.raises(UsageError, match="unfinished run of another recipe"):
        run_train(tiny_recipe(), tmp_path / "model", TrainOptions("cpu", workers=1, overwrite=False, quiet=True))


def test_a_run_goes_on_after_ichnos_got_new_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class StartedError(Exception):
        pass

    def start(*_: object, **__: object) -> None:
        raise StartedError

    monkeypatch.setattr("ichnos.cli.train.train", start)
    work = tmp_path / "model" / "work"
    work.mkdir(parents=True)
    written = tiny_recipe().model_dump(mode="json")
    del written["segmentation"]["brain_mask"]
    (work / "recipe.json").write_text(json.dumps(written))
    (work / "last.ckpt").touch()
    with pytest.raises(StartedError):
        run_train(tiny_recipe(), tmp_path / "model", TrainOptions("cpu", workers=1, quiet=True))


@pytest.mark.parametrize("left", ["", "{", None])
def test_a_run_whose_recipe_cannot_be_read_is_not_gone_on_with(tmp_path: Path, left: str | None) -> None:
    work = tmp_path / "model" / "work"
    work.mkdir(parents=True)
    if left is not None:
        (work / "recipe.json").write_text(left)
    (work / "best.ckpt").touch()
    with pytest.raises(UsageError, match="unfinished run of another recipe"):
        run_train(tiny_recipe(), tmp_path / "model", TrainOptions("cpu", workers=1, quiet=True))


def test_after_a_typo_the_corrected_command_may_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = tiny_recipe(network={"arguments": {**SWIN, "tile_sise": 3}})
    with pytest.raises(UsageError, match="did you mean 'tile_size'"):
        run_train(wrong, tmp_path / "model", TrainOptions("cpu", workers=1, quiet=True))

    class StartedError(Exception):
        pass

    def start(*_: object, **__: object) -> None:
        raise StartedError

    monkeypatch.setattr(train_command, "train", start)
    with pytest.raises(StartedError):
        run_train(tiny_recipe(), tmp_path / "model", TrainOptions("cpu", workers=1, quiet=True))

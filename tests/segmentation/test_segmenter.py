import json
from pathlib import Path

import numpy as np
import pytest
from preprocessing.heads import ball_head
from segmentation.stubs import SETTINGS, bleeding_head, save_stub

from ichnos.errors import CheckpointError, UsageError
from ichnos.segmentation.segmenter import bundled_checkpoint, load_segmenter


def test_a_checkpoint_folder_segments(tmp_path: Path) -> None:
    segmenter = load_segmenter(save_stub(tmp_path / "model"), device="cpu")
    scan = bleeding_head()
    result = segmenter(scan)
    assert result.bleed_mask.voxels.shape == scan.voxels_hu.shape
    assert result.volume_ml > 0
    assert result.bleed_mask.volume_ml <= result.brain_mask.volume_ml
    assert result.provenance["model"] == "model"
    assert result.provenance["trained_on"] == "nothing"
    assert len(result.provenance["sha256"]) == 64


def test_two_runs_agree_to_the_bit(tmp_path: Path) -> None:
    folder, scan = save_stub(tmp_path / "model"), bleeding_head()
    first, second = load_segmenter(folder, "cpu")(scan), load_segmenter(folder, "cpu")(scan)
    assert np.array_equal(first.map, second.map)
    assert np.array_equal(first.bleed_mask.voxels, second.bleed_mask.voxels)
    assert np.array_equal(first.slice_probabilities, second.slice_probabilities)


def test_a_confident_no_leaves_the_mask_empty(tmp_path: Path) -> None:
    result = load_segmenter(save_stub(tmp_path / "model", bias=-8.0), "cpu")(ball_head())
    assert result.volume_ml == 0.0
    assert result.probability < 0.1


def test_other_settings_do_not_touch_the_first_segmenter(tmp_path: Path) -> None:
    segmenter = load_segmenter(save_stub(tmp_path / "model"), "cpu")
    strict = segmenter.with_settings(SETTINGS.model_copy(update={"map_threshold": 1.0}))
    scan = bleeding_head()
    assert strict(scan).volume_ml < segmenter(scan).volume_ml


def test_settings_of_a_newer_ichnos_are_refused_in_one_line(tmp_path: Path) -> None:
    folder = save_stub(tmp_path / "model")
    content = json.loads((folder / "ichnos.json").read_text())
    content["segmentation"]["crystal_ball"] = True
    (folder / "ichnos.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=r"'model': crystal_ball: .*newer ichnos"):
        load_segmenter(folder, "cpu")


def test_an_unknown_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give auto, cpu or cuda:N"):
        load_segmenter(save_stub(tmp_path / "model"), "tpu")


def test_the_bundled_model_is_small_and_loads() -> None:
    folder = bundled_checkpoint()
    assert sum(file.stat().st_size for file in folder.iterdir()) < 15e6
    assert load_segmenter(device="cpu").name == "phantom-swin"

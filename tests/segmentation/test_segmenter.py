import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from preprocessing.heads import ball_head
from segmentation.stubs import SEGMENTATION_NETWORK, SETTINGS, bleeding_head, make_unet_checkpoint, save_stub

from ichnos.errors import CheckpointError, UsageError
from ichnos.models.checkpoint import save_checkpoint
from ichnos.segmentation.bundled import DEFAULT
from ichnos.segmentation.segmenter import load_segmenter, make_segmenter
from ichnos.segmentation.settings import SegmentationSettings


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


def test_a_bundled_model_loads_by_its_name() -> None:
    assert load_segmenter(device="cpu").name == DEFAULT
    assert load_segmenter("phantom-swin-hgi", "cpu").name == "phantom-swin-hgi"


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_segmentation_network_segments_from_its_folder(tmp_path: Path, outputs: int) -> None:
    folder = save_checkpoint(make_unet_checkpoint(outputs), tmp_path / "unet", "a test model")
    scan = bleeding_head()
    segmenter = load_segmenter(folder, "cpu")
    middle = float(np.median(segmenter(scan).map[15]))
    result = segmenter.with_settings(SEGMENTATION_NETWORK.model_copy(update={"map_threshold": middle}))(scan)
    assert 0 < result.volume_ml < result.brain_mask.volume_ml
    expected = (result.map >= np.float32(middle)) & result.brain_mask.voxels
    assert np.array_equal(result.bleed_mask.voxels, expected)


def test_slices_are_called_by_gate_or_by_ten_pixels() -> None:
    unet = make_segmenter(make_unet_checkpoint(), "unet", torch.device("cpu"))
    assert unet.detection_threshold == 0.5
    higher = unet.with_settings(SEGMENTATION_NETWORK.model_copy(update={"probability_gate": 0.7}))
    assert higher.detection_threshold == 0.7
    own = unet.with_settings(SEGMENTATION_NETWORK.model_copy(update={"binarisation": "otsu"}))
    assert own.detection_threshold == 0.0


def test_a_classifier_is_called_by_its_gate(tmp_path: Path) -> None:
    settings = SegmentationSettings(stages=(1, 2), probability_gate=0.6, map_threshold=0.9)
    assert load_segmenter(save_stub(tmp_path / "model", settings=settings), "cpu").detection_threshold == 0.6


def test_a_network_of_vectors_cannot_segment() -> None:
    checkpoint = make_unet_checkpoint()
    embedder = replace(checkpoint, network={"name": "unet-regions", "arguments": {}})
    with pytest.raises(CheckpointError, match=r"'net' cannot segment yet, it was pretrained only \(network 'unet-re"):
        make_segmenter(embedder, "net", torch.device("cpu"))


def test_a_pretrained_network_cannot_segment_and_says_what_to_do() -> None:
    pretrained = replace(make_unet_checkpoint(), labels=(), training={"objective": "context-restoration"})
    with pytest.raises(
        CheckpointError,
        match=r"^checkpoint 'net' cannot segment yet, it was pretrained only \(context-restoration\); train a "
        r"classifier or a segmentation network from it: ichnos train RECIPE -o MODEL --set start.checkpoint=FOLDER$",
    ):
        make_segmenter(pretrained, "net", torch.device("cpu"))

import numpy as np
import pytest
import torch
from tiny_scales import tiny_label_efficient

from ichnos.cohorts.slice_store import load_store
from ichnos.errors import CheckpointError
from ichnos.evaluation.reproduction.content import read_parts
from ichnos.evaluation.reproduction.embedding import embed_slices, pool_bottleneck, project
from ichnos.evaluation.reproduction.plan import stage_folder
from ichnos.evaluation.reproduction.training_stage import CHECKPOINT
from ichnos.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ichnos.models.create import create_model
from ichnos.preprocessing.recipe import Recipe


@pytest.fixture
def checkpoint():
    content = tiny_label_efficient().mixed.content(0)
    model = create_model("unet", content["network"]["arguments"]).eval()
    return Checkpoint(content["network"], content["preprocessing"], content["segmentation"], ("bleed",), model)


def test_the_bottleneck_is_averaged_over_the_slice(checkpoint, experiment):
    store = load_store(stage_folder(experiment, "test") / "store")
    rows = np.array([3, 11])
    pooled = pool_bottleneck(checkpoint, store, rows)
    recipe = Recipe.model_validate(checkpoint.preprocessing)
    with torch.no_grad():
        deepest = checkpoint.model.encoder(torch.from_numpy(recipe.make_channels(store.hu[rows].astype(np.float32))))[
            -1
        ]
    assert pooled.shape == (2, 64)  # width 4, doubled four times
    assert pooled == pytest.approx(deepest.numpy().reshape(2, 64, -1).mean(axis=2), abs=1e-6)


def test_a_picture_of_all_encoders(checkpoint, experiment, tmp_path):
    save_checkpoint(checkpoint, tmp_path / "pretext" / CHECKPOINT, "card")
    needs = {"test": stage_folder(experiment, "test"), "pretext": tmp_path / "pretext"}
    settings = {"measured_on": "phantoms", "networks": {"a pretext": "pretext"}, "most": 40, "seed": 0}
    assert embed_slices(tmp_path / "own", needs, settings) == {"slices": 40}
    (part,) = read_parts(tmp_path / "own")
    assert "phantoms" in part.pictures[0][1]
    assert (tmp_path / "own" / "pictures" / part.pictures[0][0]).is_file()


def test_groups_stay_apart_and_the_seed_decides():
    features = np.random.default_rng(0).normal(size=(40, 8))
    features[20:] += 20
    points = project(features, 0)
    assert np.array_equal(points, project(features, 0))
    centres = points[:20].mean(axis=0), points[20:].mean(axis=0)
    spread = np.linalg.norm(points[:20] - centres[0], axis=1).mean()
    assert np.linalg.norm(centres[0] - centres[1]) > 2 * spread


def test_a_network_without_such_an_encoder_is_refused(experiment):
    store = load_store(stage_folder(experiment, "test") / "store")
    swin = load_checkpoint(stage_folder(experiment, "sam-binary-seed0") / CHECKPOINT)
    with pytest.raises(CheckpointError, match="no encoder of a U-Net"):
        pool_bottleneck(swin, store, np.array([0]))

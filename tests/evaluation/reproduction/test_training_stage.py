import json

import pytest
from tiny_scales import tiny_hgi_sam, tiny_label_efficient

from ichnos.errors import UsageError
from ichnos.evaluation.reproduction.plan import stage_folder
from ichnos.evaluation.reproduction.training_stage import CHECKPOINT, train_network
from ichnos.models.checkpoint import load_checkpoint


def test_a_network_is_left_and_its_work_is_not(experiment):
    own = stage_folder(experiment, "sam-binary-seed0")
    checkpoint = load_checkpoint(own / CHECKPOINT)
    assert checkpoint.labels == ("bleed",)
    assert not (own / "work").exists()
    figures = json.loads((own / "done.json").read_text())["figures"]
    assert figures["parameters"] == sum(one.numel() for one in checkpoint.model.parameters())
    assert "validation_loss" in figures


def test_a_fold_trains_on_all_others(experiment):
    told = load_checkpoint(stage_folder(experiment, "unet-seed0-fold1") / CHECKPOINT).training
    assert told["recipe"]["data"]["fold"] == 1
    assert "fold 1 of folds.json" in told["data"]
    counts = told["slices"]
    assert counts["training"] + counts["validation"] < 64  # of all 8 cases of 8 slices


def test_a_start_is_taken_from_its_stage(experiment):
    told = load_checkpoint(stage_folder(experiment, "hgi-sam-seed0") / CHECKPOINT).training
    assert told["recipe"]["start"]["checkpoint"].endswith("sam-binary-seed0/checkpoint")


def test_budgets_beyond_the_pool_are_refused(experiment, tmp_path):
    needs = {"test": stage_folder(experiment, "test")}
    recipe = tiny_label_efficient().mixed.content(0)
    settings = {"recipe": recipe, "device": "cpu", "store": ["test", "store"], "budget": 50}
    with pytest.raises(UsageError, match="a budget lies from 1 to"):
        train_network(tmp_path, needs, settings)


def test_a_wrong_grid_is_one_line(experiment, tmp_path):
    recipe = tiny_hgi_sam().recipes["sam-binary"].content(0)
    recipe["preprocessing"]["field_of_view_mm"] = 100.0
    settings = {"recipe": recipe, "device": "cpu", "store": ["weak", "store"]}
    with pytest.raises(UsageError, match="has field_of_view_mm 216"):
        train_network(tmp_path, {"weak": stage_folder(experiment, "weak")}, settings)

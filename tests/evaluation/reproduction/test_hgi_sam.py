import json

import pytest
from tiny_scales import tiny_hgi_sam

from ichnos.evaluation.published import SEGMENTATION_BY_SLICE
from ichnos.evaluation.reproduction.hgi_sam import METHODS, plan_hgi_sam, trace_stage
from ichnos.evaluation.reproduction.hgi_sam_scale import HGI_SAM_SCALES
from ichnos.evaluation.reproduction.plan import stage_folder
from ichnos.evaluation.reproduction.scale import choose_data


def plan_of(scale):
    return plan_hgi_sam(choose_data("phantom", scale), scale, "cpu")


def test_methods_are_those_of_table_1():
    assert list(METHODS) == list(SEGMENTATION_BY_SLICE["dice"])


@pytest.mark.parametrize("name", ["phantom", "paper"])
def test_a_plan_can_be_told_without_being_run(name, tmp_path):
    plan = plan_of(HGI_SAM_SCALES[name])
    assert len(plan.unfinished(tmp_path)) == len(plan.stages)
    assert not list(tmp_path.iterdir())


def test_networks_are_trained_for_each_seed_and_fold():
    scale = HGI_SAM_SCALES["phantom"]
    names = {stage.name for stage in plan_of(scale).stages}
    assert {f"sam-multi-seed{seed}" for seed in (0, 1, 2)} <= names
    assert {f"unet-seed{seed}-fold{fold}" for seed in (0, 1, 2) for fold in (0, 1, 2)} <= names
    assert {name for name in names if name.startswith("swin-unetr")} == {f"swin-unetr-seed0-fold{n}" for n in (0, 1, 2)}


def test_the_phantom_plan_is_told_to_take_half_an_hour_at_most(tmp_path):
    seconds, _ = plan_of(HGI_SAM_SCALES["phantom"]).estimate(tmp_path, workers=2)
    assert seconds < 1800


def test_the_papers_own_scale_is_told_to_take_days(tmp_path):
    seconds, _ = plan_of(HGI_SAM_SCALES["paper"]).estimate(tmp_path, workers=2)
    assert seconds > 2 * 86_400


def test_hgi_sam_begins_with_the_binary_network_of_its_seed():
    stages = {stage.name: stage for stage in plan_of(HGI_SAM_SCALES["phantom"]).stages}
    assert stages["hgi-sam-seed2"].settings["start"] == "sam-binary-seed2"
    assert "sam-binary-seed2" in stages["hgi-sam-seed2"].needs
    assert stages["hgi-sam-seed2"].settings["recipe"]["start"]["parts"] == ["transformer.swin"]


def test_weak_networks_never_see_the_test_cohort():
    for stage in plan_of(HGI_SAM_SCALES["phantom"]).stages:
        if stage.name.startswith(("sam-", "hgi-sam-")):
            assert not {"test", "folds"} & set(stage.needs)


def test_each_case_is_traced_by_the_network_of_its_fold():
    stages = {stage.name: stage for stage in plan_of(tiny_hgi_sam()).stages}
    assert stages[trace_stage("U-Net", 1)].settings["models"] == {"0": "unet-seed1-fold0", "1": "unet-seed1-fold1"}
    assert stages["unet-seed1-fold0"].settings["fold"] == 0
    assert stages[trace_stage("Swin-Grad-CAM", 0)].settings["models"] == {"all": "hgi-sam-seed0"}
    assert stages[trace_stage("Swin-Grad-CAM", 0)].settings["method"] == "grad-cam"


def test_a_tiny_experiment_ends_with_tables(experiment):
    figures = json.loads((stage_folder(experiment, "results") / "done.json").read_text())["figures"]
    assert list(figures) == list(METHODS)
    assert (stage_folder(experiment, "results") / "tables" / "segmentation.csv").is_file()
    table = (stage_folder(experiment, "results") / "tables" / "segmentation.md").read_text()
    assert "dice, published | dice, ours on phantoms" in table


def test_nothing_is_run_twice(experiment):
    scale = tiny_hgi_sam()
    assert plan_of(scale).unfinished(experiment) == ()
    changed = {stage.name for stage in plan_of(tiny_hgi_sam(folds=3)).unfinished(experiment)}
    assert "folds" in changed
    assert "unet-seed0-fold0" in changed
    assert not {"weak", "test", "hgi-sam-seed0"} & changed

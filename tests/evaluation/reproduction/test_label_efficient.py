import pytest
from tiny_scales import tiny_label_efficient

from ichnos.evaluation.published import SEGMENTATION_BY_VOLUME
from ichnos.evaluation.reproduction.label_efficient import BASELINES, plan_label_efficient
from ichnos.evaluation.reproduction.label_efficient_results import ICM
from ichnos.evaluation.reproduction.label_efficient_scale import LABEL_EFFICIENT_SCALES, PRETEXTS
from ichnos.evaluation.reproduction.plan import Plan, read_figures, run_plan
from ichnos.evaluation.reproduction.scale import choose_data


def plan_of(scale):
    return plan_label_efficient(choose_data("phantom", scale), scale, "cpu")


def test_methods_are_those_of_table_3():
    with_cavity = {title + ICM for title in BASELINES.values()}
    assert {*BASELINES.values(), *with_cavity, *PRETEXTS.values()} == set(SEGMENTATION_BY_VOLUME)


@pytest.mark.parametrize("name", ["phantom", "paper"])
def test_a_plan_can_be_told_without_being_run(name, tmp_path):
    plan = plan_of(LABEL_EFFICIENT_SCALES[name])
    assert len(plan.unfinished(tmp_path)) == len(plan.stages)


def test_every_start_meets_every_budget_and_seed():
    scale = LABEL_EFFICIENT_SCALES["phantom"]
    names = {stage.name for stage in plan_of(scale).stages}
    for size in (2, 5, 20):
        for seed in (0, 1, 2):
            assert {f"budget{size}-{method}-seed{seed}" for method in ("mixed", *PRETEXTS)} <= names


def test_a_seed_begins_with_the_pretext_of_that_seed():
    stages = {stage.name: stage for stage in plan_of(LABEL_EFFICIENT_SCALES["phantom"]).stages}
    one = stages["budget5-global-contrastive-seed2"]
    assert one.settings["start"] == "pretext-global-contrastive-seed2"
    assert one.settings["recipe"]["seed"] == 2
    assert one.settings["budget"] == 5
    assert "start" not in stages["budget5-mixed-seed2"].settings
    assert stages["pretext-local-contrastive-seed1"].settings["start"] == "pretext-global-contrastive-seed1"


def test_pretexts_never_see_the_test_cohort():
    for stage in plan_of(LABEL_EFFICIENT_SCALES["phantom"]).stages:
        if stage.name.startswith("pretext-"):
            assert not {"test", "folds", "budgets"} & set(stage.needs)


def test_budgets_are_tested_on_their_own_part_only():
    for stage in plan_of(LABEL_EFFICIENT_SCALES["phantom"]).stages:
        if stage.name.startswith("trace-budget"):
            assert stage.settings["parts"] == "budgets"
        if stage.name.startswith("budget") and "recipe" in stage.settings:
            assert stage.settings["store"] == ["budgets", "pool"]


def test_the_phantom_plan_is_told_to_take_half_an_hour_at_most(tmp_path):
    seconds, _ = plan_of(LABEL_EFFICIENT_SCALES["phantom"]).estimate(tmp_path, workers=2)
    assert seconds < 1800


def test_a_chain_of_stages_runs(tmp_path):
    """From cohorts over a pretext to a network that was trained on one mask, and its traces."""
    plan = plan_of(tiny_label_efficient())
    wanted = ["trace-budget1-binary-pretext-seed0", "trace-ich-only", "trace-binary-pretext"]
    stages = {stage.name: stage for stage in plan.stages}
    names: set[str] = set()
    while wanted:
        name = wanted.pop()
        names.add(name)
        wanted += [need for need in stages[name].needs if need not in names]
    ended = list(run_plan(Plan(tuple(stage for stage in plan.stages if stage.name in names)), tmp_path))
    assert not [one.message for one in ended if one.message]
    parts = read_figures(tmp_path, "budgets")
    assert read_figures(tmp_path, "trace-budget1-binary-pretext-seed0") == {"cases": parts["test"]}
    assert read_figures(tmp_path, "trace-ich-only") == {"cases": 16}

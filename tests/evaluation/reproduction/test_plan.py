import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ichnos.errors import TrainingError, UsageError
from ichnos.evaluation.reproduction.plan import Plan, Stage, read_figures, run_plan, stage_folder


def write_number(folder, needs, settings):
    """A stage that adds its number to those of its needs and counts how often it ran."""
    total = settings["number"] + sum(int((need / "number").read_text()) for need in needs.values())
    (folder / "number").write_text(str(total))
    runs = folder / "runs"
    runs.write_text(str(int(runs.read_text()) + 1 if runs.exists() else 1))
    return {"total": total}


def fail(folder, needs, settings):
    raise UsageError("no such data")


def sleep_once(folder, needs, settings):
    """Sleeps long the first time; goes on at once when it finds that it had begun."""
    marker = folder / "begun"
    if not marker.exists():
        marker.write_text("1")
        time.sleep(60)
    return {"resumed": True}


def add(name, number=1, needs=(), function=write_number):
    return Stage(name, function, {"number": number}, needs, seconds=10, megabytes=2)


PLAN = Plan((add("a"), add("b", 10), add("c", 100, ("a", "b")), add("d", 1000, ("c",))))


def runs(folder, name):
    return int((stage_folder(folder, name) / "runs").read_text())


@pytest.mark.parametrize("workers", [1, 2])
def test_each_stage_sees_its_needs(tmp_path, workers):
    ended = list(run_plan(PLAN, tmp_path, workers))
    assert read_figures(tmp_path, "d") == {"total": 1111}
    assert {one.stage for one in ended} == {"a", "b", "c", "d"}
    assert [one.done for one in ended] == [1, 2, 3, 4]
    names = [one.stage for one in ended]
    assert names.index("c") > max(names.index("a"), names.index("b"))


def test_what_is_done_is_not_done_again(tmp_path):
    list(run_plan(PLAN, tmp_path))
    assert list(run_plan(PLAN, tmp_path)) == []
    assert [runs(tmp_path, name) for name in "abcd"] == [1, 1, 1, 1]


def test_a_changed_setting_runs_the_stage_and_all_that_rest_on_it(tmp_path):
    list(run_plan(PLAN, tmp_path))
    changed = Plan((add("a"), add("b", 20), *PLAN.stages[2:]))
    assert [stage.name for stage in changed.unfinished(tmp_path)] == ["b", "c", "d"]
    list(run_plan(changed, tmp_path))
    assert read_figures(tmp_path, "d") == {"total": 1121}
    assert runs(tmp_path, "a") == 1


def test_leftovers_of_other_settings_are_cleared(tmp_path):
    list(run_plan(PLAN, tmp_path))
    list(run_plan(Plan((add("a", 5),)), tmp_path))
    assert runs(tmp_path, "a") == 1, "the folder started empty"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_is_told_and_others_go_on(tmp_path, workers):
    plan = Plan((add("broken", function=fail), add("a"), add("b", needs=("broken",)), add("c", needs=("a",))))
    ended = []
    with pytest.raises(TrainingError, match=r"^1 of 4 stages failed; broken: no such data$"):
        ended.extend(run_plan(plan, tmp_path, workers))  # keeps what came before the error
    assert {one.stage for one in ended} == {"broken", "a", "c"}
    assert [stage.name for stage in plan.unfinished(tmp_path)] == ["broken", "b"]


def test_the_estimate_counts_what_is_left(tmp_path):
    assert PLAN.estimate(tmp_path, 2) == (20.0, 8.0)
    list(run_plan(Plan(PLAN.stages[:2]), tmp_path))
    assert PLAN.estimate(tmp_path, 1) == (20.0, 4.0)


def test_a_plan_out_of_order_is_our_mistake():
    with pytest.raises(AssertionError, match="stage c comes before b"):
        Plan((add("a"), add("c", needs=("a", "b")), add("b")))
    with pytest.raises(AssertionError, match="two stages are called a"):
        Plan((add("a"), add("a")))


def test_the_manifest_names_every_stage_and_the_versions(tmp_path):
    list(run_plan(PLAN, tmp_path))
    content = json.loads((tmp_path / "plan.json").read_text())
    assert [stage["name"] for stage in content["stages"]] == ["a", "b", "c", "d"]
    assert content["versions"]["ichnos"]


CODE = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_plan import Plan, Stage, add, run_plan, sleep_once
plan = Plan((add("a"), Stage("slow", sleep_once, {{}}, ("a",))))
list(run_plan(plan, Path({folder!r})))
"""


def test_after_a_kill_it_goes_on_inside_the_stage(tmp_path):
    code = CODE.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code])
    marker = stage_folder(tmp_path, "slow") / "begun"
    deadline = time.monotonic() + 60
    while not marker.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert marker.exists()
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert read_figures(tmp_path, "slow") == {"resumed": True}
    assert runs(tmp_path, "a") == 1

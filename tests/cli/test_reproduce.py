import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_scales import tiny_hgi_sam
from typer.testing import CliRunner

from ichnos.cli import reproduce
from ichnos.cli.app import app
from ichnos.cli.reproduce import EXPERIMENTS, ReproduceOptions, run_reproduce
from ichnos.errors import TrainingError, UsageError
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.reproduction.plan import Plan, Stage, stage_folder
from ichnos.evaluation.tables import Table


def count(own, needs, settings):
    return {"cases": 1, "slices": 2, "bleeding_slices": 1}


def tell(own, needs, settings):
    write_parts([Part("Found", (), (Table("T", ("m", "dice, ours on phantoms"), (("a", "0.5"),)),))], own)
    return {"dice": 0.5}


def break_off(own, needs, settings):
    raise UsageError("the disk is full")


def sleep_once(own, needs, settings):
    if not (own / "begun").exists():
        (own / "begun").write_text("1")
        time.sleep(60)
    return count(own, needs, settings)


def short_plan(data, scale, device):
    weak, test = (Stage(name, count, {}) for name in ("weak", "test"))
    return Plan((weak, test, Stage("results", tell, {"seeds": scale.seeds}, ("weak", "test"), seconds=7200)))


@pytest.fixture
def short(monkeypatch):
    """The command with three stages that take no time."""
    experiment = replace(EXPERIMENTS["hgi-sam"], choose_scale=lambda name: tiny_hgi_sam(), plan=short_plan)
    monkeypatch.setattr(reproduce, "EXPERIMENTS", {"hgi-sam": experiment})


def test_the_plan_is_told_before_anything_begins(short, tmp_path, capsys):
    run_reproduce(ReproduceOptions("hgi-sam", tmp_path / "out", dry_run=True))
    told = capsys.readouterr().err
    assert "results" in told
    assert "3 of 3 stages to do; about 60 min with 2 at a time" in told
    assert not (tmp_path / "out").exists()


def test_a_run_ends_with_a_page_and_a_record(short, tmp_path, capsys):
    out = tmp_path / "out"
    run_reproduce(ReproduceOptions("hgi-sam", out, workers=1, device="cpu"))
    assert "figures on phantoms" in capsys.readouterr().err
    record = json.loads((out / "run.json").read_text())
    assert record["measured_on"] == "phantoms"
    assert record["figures"] == {"results": {"dice": 0.5}}
    text = (out / "index.md").read_text()
    assert "Slices with labels: 1 phantoms, 2 slices, 1 of which bleed." in text
    assert "ichnos reproduce hgi-sam -o OUT --data phantom --scale phantom" in text
    assert (out / "index.html").is_file()
    run_reproduce(ReproduceOptions("hgi-sam", out, workers=1, device="cpu"))
    assert "0 of 3 stages to do" in capsys.readouterr().err


def test_a_failed_stage_is_one_line_and_no_page(short, tmp_path, monkeypatch):
    plan = Plan((Stage("weak", count, {}), Stage("test", break_off, {})))
    monkeypatch.setitem(
        reproduce.EXPERIMENTS, "hgi-sam", replace(reproduce.EXPERIMENTS["hgi-sam"], plan=lambda *_: plan)
    )
    with pytest.raises(TrainingError, match="1 of 2 stages failed; test: the disk is full"):
        run_reproduce(ReproduceOptions("hgi-sam", tmp_path, workers=1))
    assert not (tmp_path / "index.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hgi-sams"], "hgi-sam"),
        (["hgi-sam", "--scale", "small"], "phantom"),
        (["hgi-sam", "--data", "nowhere"], "no folder rsna-2019"),
    ],
)
def test_wrong_usage_is_one_line(tmp_path, arguments, said):
    result = CliRunner().invoke(app, ["reproduce", *arguments, "-o", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_folder_of_something_else_is_left_alone(short, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds files of something else"):
        run_reproduce(ReproduceOptions("hgi-sam", tmp_path))
    with pytest.raises(UsageError, match="is a file"):
        run_reproduce(ReproduceOptions("hgi-sam", tmp_path / "notes.txt"))


@pytest.mark.parametrize("paper", ["hgi-sam", "label-efficient"])
def test_both_papers_can_be_told_through_the_command(paper, tmp_path):
    result = CliRunner().invoke(app, ["reproduce", paper, "-o", str(tmp_path / "out"), "--dry-run", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["stages"] > 40
    assert not (tmp_path / "out").exists()


SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
from test_reproduce import count, sleep_once
from ichnos.cli.reproduce import EXPERIMENTS, ReproduceOptions, run_experiment
from ichnos.evaluation.reproduction.plan import Plan, Stage
from ichnos.evaluation.reproduction.scale import choose_data
from tiny_scales import tiny_hgi_sam
plan = Plan((Stage("weak", count, {{}}), Stage("test", sleep_once, {{}}, ("weak",))))
scale = tiny_hgi_sam()
made_of = (scale, choose_data("phantom", scale))
run_experiment(EXPERIMENTS["hgi-sam"], plan, made_of, ReproduceOptions("hgi-sam", Path(sys.argv[1]), workers=1))
"""


def test_a_killed_run_goes_on(tmp_path):
    here = Path(__file__).resolve()
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(paths=[str(here.parent), str(here.parents[1])]))
    out = tmp_path / "out"
    process = subprocess.Popen([sys.executable, str(script), str(out)], start_new_session=True)
    began = stage_folder(out, "test") / "begun"
    deadline = time.monotonic() + 120
    while not began.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    first = (stage_folder(out, "weak") / "done.json").stat().st_mtime_ns
    assert not (stage_folder(out, "test") / "done.json").exists()
    subprocess.run([sys.executable, str(script), str(out)], check=True)
    assert (stage_folder(out, "weak") / "done.json").stat().st_mtime_ns == first
    assert (out / "index.md").is_file()

import json

import pytest
from typer.testing import CliRunner

from ichnos.cli import evidence
from ichnos.cli.app import app
from ichnos.cli.evidence import EvidenceOptions, plan_evidence, run_evidence
from ichnos.errors import UsageError
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.reproduction.plan import Plan, Stage
from ichnos.evaluation.tables import Table
from ichnos.segmentation.bundled import BUNDLED


def tell(own, needs, settings):
    write_parts([Part("Found", (), (Table("T", ("m", "dice"), (("a", "0.5"),)),))], own)
    return {"dice": 0.5}


def test_the_plan_is_told_and_nothing_begins(tmp_path):
    out = tmp_path / "out"
    result = CliRunner().invoke(
        app, ["evidence", "-o", str(out), "--real", str(tmp_path), "--ablation-seeds", "1", "--dry-run", "--json"]
    )
    assert result.exit_code == 0, result.stderr
    assert "judge-grown" in result.stderr
    assert json.loads(result.stdout)["stages"] == len(
        plan_evidence(EvidenceOptions(out, real=tmp_path, ablation_seeds=1)).stages
    )
    assert not out.exists()


def test_every_bundled_model_is_judged_and_real_scans_only_where_there_are(tmp_path):
    stages = {stage.name: stage for stage in plan_evidence(EvidenceOptions(tmp_path, scans=3)).stages}
    assert {f"judge-{family}-{name}" for family in ("training", "grown") for name in BUNDLED} < set(stages)
    assert not {"real", "painted"} & set(stages)
    assert not {"worlds", "students"} & set(stages)
    with_real = plan_evidence(EvidenceOptions(tmp_path, real=tmp_path, ablation_seeds=2))
    wanted = {"real", "painted", "real-worlds", "worlds", "real-students", "students"}
    assert wanted <= {stage.name for stage in with_real.stages}


def test_a_run_ends_with_pages_and_a_record(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(evidence, "plan_evidence", lambda options: Plan((Stage("tables", tell, {}),)))
    run_evidence(EvidenceOptions(tmp_path / "out", workers=1))
    assert "pages/models/index.html" in capsys.readouterr().err
    text = (tmp_path / "out" / "pages" / "models" / "index.md").read_text()
    assert "`ichnos evidence -o OUT --scans 30`" in text
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["figures"] == {"tables": {"dice": 0.5}}
    run_evidence(EvidenceOptions(tmp_path / "out", workers=1))
    assert "0 of 1 stages to do" in capsys.readouterr().err


def test_wrong_usage_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds files of something else"):
        run_evidence(EvidenceOptions(tmp_path))
    result = CliRunner().invoke(app, ["evidence", "-o", str(tmp_path / "out"), "--real", str(tmp_path / "nowhere")])
    assert result.exit_code != 0
    assert "nowhere" in result.stderr

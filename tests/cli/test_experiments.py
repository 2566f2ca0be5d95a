import json

import pytest
from typer.testing import CliRunner

from ichnos.cli.app import app


@pytest.mark.parametrize("command", [["reproduce", "hgi-sam"], ["evidence"]])
def test_a_dry_run_tells_its_plan_and_writes_nothing(command, tmp_path):
    result = CliRunner().invoke(app, [*command, "-o", str(tmp_path / "out"), "--dry-run", "--json", "-q"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)
    assert not (tmp_path / "out").exists()


def test_a_paper_that_is_not_known_is_one_line(tmp_path):
    result = CliRunner().invoke(app, ["reproduce", "hgi-san", "-o", str(tmp_path / "out"), "--dry-run"])
    assert result.exit_code == 2
    assert "hgi-sam" in result.stderr
    assert "Traceback" not in result.stderr

import runpy
import sys

import pytest


def test_the_module_is_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ichnos", "--help"])
    with pytest.raises(SystemExit) as done:
        runpy.run_module("ichnos", run_name="__main__")
    assert done.value.code == 0
    assert "segment" in capsys.readouterr().out

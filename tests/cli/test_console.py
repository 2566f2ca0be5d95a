import json
from pathlib import Path

import pytest

from ichnos.cli.console import fail, say, show_json, show_table, user_errors
from ichnos.errors import CheckpointError, GeometryError, IchnosError, TrainingError, UsageError


def test_messages_go_to_stderr(capsys):
    say("hello")
    assert capsys.readouterr() == ("", "hello\n")


def test_quiet_says_nothing(capsys):
    say("hello", quiet=True)
    show_table(["a"], [["b"]], quiet=True)
    assert capsys.readouterr() == ("", "")


def test_results_go_to_stdout_as_json(capsys):
    show_json({"path": Path("a/b"), "ml": 1.5})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"path": "a/b", "ml": 1.5}
    assert err == ""


def test_a_table_is_aligned_names_left_numbers_right(capsys):
    show_table(["case", "mL"], [["a", "10.5"], ["longer", "3.0"]])
    assert capsys.readouterr() == ("", "  case      mL\n  a       10.5\n  longer   3.0\n")


def test_a_table_may_have_no_rows(capsys):
    show_table(["case", "mL"], [])
    assert capsys.readouterr().err == "  case  mL\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError, 2), (IchnosError, 1), (GeometryError, 1), (CheckpointError, 1), (TrainingError, 1)],
)
def test_an_expected_error_is_one_line_and_an_exit_code(capsys, error, code):
    with pytest.raises(SystemExit) as caught, user_errors():
        raise error("slices overlap:\n  give others")
    assert caught.value.code == code
    assert capsys.readouterr() == ("", "ichnos: slices overlap: give others\n")


def test_control_c_tells_how_to_go_on(capsys):
    with pytest.raises(SystemExit) as caught, user_errors():
        raise KeyboardInterrupt
    assert caught.value.code == 130
    assert capsys.readouterr().err == "ichnos: stopped; run the same command again to go on\n"


def test_an_unexpected_error_is_not_hidden():
    with pytest.raises(ZeroDivisionError), user_errors():
        raise ZeroDivisionError


def test_without_an_error_nothing_happens(capsys):
    with user_errors():
        pass
    assert capsys.readouterr() == ("", "")


def test_failing_is_never_quiet(capsys):
    with pytest.raises(SystemExit) as caught:
        fail("no", code=7)
    assert caught.value.code == 7
    assert capsys.readouterr().err == "ichnos: no\n"

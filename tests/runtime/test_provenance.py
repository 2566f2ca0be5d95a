import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import numpy
import pytest
import torch

from ichnos.runtime import provenance
from ichnos.runtime.provenance import RESEARCH_USE, collect_versions, find_commit, package_version, timestamp


def test_versions_are_those_that_the_packages_tell():
    versions = collect_versions()
    assert versions["torch"] == torch.__version__
    assert versions["numpy"] == numpy.__version__
    assert versions["python"] == platform.python_version()
    assert next(iter(versions)) == "ichnos"


def test_a_missing_package_is_not_an_error():
    assert package_version("no-such-package-anywhere") == "not installed"


def test_the_time_is_in_utc_to_the_second():
    text = timestamp()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", text)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(text)) < timedelta(seconds=5)


def test_the_notice_says_research_only():
    assert RESEARCH_USE.startswith("Research use only.")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A git checkout with one commit that the module believes to live in."""
    if shutil.which("git") is None:
        pytest.skip("no git")
    source = tmp_path / "src" / "ichnos" / "runtime" / "provenance.py"
    source.parent.mkdir(parents=True)
    source.write_text("1\n")
    who = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "First"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True)
    monkeypatch.setattr(provenance, "__file__", str(source))
    return source


def test_the_commit_is_that_of_the_checkout(checkout):
    told = subprocess.run(["git", "-C", checkout.parent, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    commit = find_commit()
    assert len(commit) >= 12
    assert told.startswith(commit)


def test_changes_that_are_not_committed_show(checkout):
    clean = find_commit()
    checkout.write_text("2\n")
    assert find_commit() == f"{clean}-dirty"


def test_without_a_checkout_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "a" / "b" / "c" / "provenance.py"))
    assert find_commit() is None


def test_without_git_there_is_no_commit(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert find_commit() is None


def test_a_broken_checkout_has_no_commit(checkout):
    shutil.rmtree(checkout.parents[3] / ".git")
    (checkout.parents[3] / ".git").write_text("nonsense")
    assert find_commit() is None

import json
import os
from pathlib import Path

import pytest

from ichnos.runtime.files import nan_to_none, replacing, write_json, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_half(path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise RuntimeError("disk on fire")


def test_replacing_shows_the_new_file_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "volumes.csv"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent
    assert path.read_text() == "new"
    assert names(tmp_path) == ["volumes.csv"]


def test_a_failing_block_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "volumes.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="disk on fire"):
        write_half(path)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["volumes.csv"]


def test_a_failing_block_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="disk on fire"):
        write_half(tmp_path / "new.json")
    assert names(tmp_path) == []


def test_the_temporary_file_keeps_a_double_ending(tmp_path: Path) -> None:
    with replacing(tmp_path / "bleed.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "note.txt", "é")
    assert (tmp_path / "a" / "b" / "note.txt").read_bytes() == "é".encode()


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_the_file_gets_the_mode_that_open_would_give(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "note.txt", "n")
        assert (tmp_path / "note.txt").stat().st_mode & 0o777 == 0o640
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


def test_json_is_readable_and_holds_paths(tmp_path: Path) -> None:
    write_json(tmp_path / "run.json", {"input": Path("ct"), "seconds": 1.5})
    text = (tmp_path / "run.json").read_text()
    assert json.loads(text) == {"input": "ct", "seconds": 1.5}
    assert text.endswith("}\n")


def test_json_refuses_what_is_not_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "run.json", {"dice": float("nan")})
    assert names(tmp_path) == []


def test_what_was_not_measured_becomes_null(tmp_path: Path) -> None:
    write_json(tmp_path / "run.json", nan_to_none({"dice": float("nan"), "auc": 0.5}))
    assert json.loads((tmp_path / "run.json").read_text()) == {"dice": None, "auc": 0.5}

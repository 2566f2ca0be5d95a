import os
import zipfile
from pathlib import Path

import pytest

from ichnos.errors import ScanNotFoundError
from ichnos.scans.inputs import check_exists, input_files, open_file


def listed(*paths):
    contents = {}
    with input_files(paths) as files:
        for file in files:
            with file.open() as stream:
                contents[file.name] = stream.read()
    return contents


def write(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_folder_is_searched_to_the_bottom(tmp_path):
    one, two = write(tmp_path / "a" / "b" / "1", b"one"), write(tmp_path / "2.dcm", b"two")
    assert listed(tmp_path) == {str(one): b"one", str(two): b"two"}


def test_links_to_folders_are_followed_and_no_folder_is_read_twice(tmp_path):
    elsewhere = write(tmp_path / "elsewhere" / "2", b"two")
    one = write(tmp_path / "ct" / "1", b"one")
    (tmp_path / "ct" / "linked").symlink_to(elsewhere.parent)
    (tmp_path / "ct" / "loop").symlink_to(tmp_path / "ct")
    assert listed(tmp_path / "ct") == {str(one): b"one", str(tmp_path / "ct" / "linked" / "2"): b"two"}


@pytest.mark.parametrize(
    "junk", ["DICOMDIR", "Thumbs.db", ".DS_Store", "a/._1.dcm", "__MACOSX/1.dcm", ".hidden/1.dcm", "desktop.ini"]
)
def test_junk_is_passed_over(tmp_path, junk):
    kept = write(tmp_path / "ct" / "1")
    write(tmp_path / "ct" / junk)
    assert list(listed(tmp_path / "ct")) == [str(kept)]


def test_a_hidden_parent_folder_does_not_matter(tmp_path):
    kept = write(tmp_path / ".cache" / "1")
    assert list(listed(tmp_path / ".cache")) == [str(kept)]


def test_list_mixes_files_folders_and_zips(tmp_path):
    file, inside = write(tmp_path / "1"), write(tmp_path / "folder" / "2")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("sub/3", b"three")
        archive.writestr("__MACOSX/sub/._3", b"junk")
    names = listed(file, tmp_path / "folder", tmp_path / "x.zip")
    assert list(names) == [str(file), str(inside), f"{tmp_path}/x.zip:sub/3"]


def test_missing_path(tmp_path):
    with pytest.raises(ScanNotFoundError, match=r"nowhere: no such file or folder; check the path"):
        listed(tmp_path / "nowhere")


def test_empty_folder(tmp_path):
    (tmp_path / "sub").mkdir()
    with pytest.raises(ScanNotFoundError, match="the folder is empty; give a folder that holds a CT series"):
        listed(tmp_path)


def test_file_without_permission(tmp_path, monkeypatch):
    file = write(tmp_path / "1")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ScanNotFoundError, match=r"1: no permission to read it; ask for access"):
        open_file(file)


def test_folder_without_permission(tmp_path, monkeypatch):
    write(tmp_path / "1")

    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ScanNotFoundError, match="no permission to read it"):
        listed(tmp_path)


def test_place_that_may_not_be_looked_at(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(ScanNotFoundError, match="no permission to read it"):
        check_exists(tmp_path)


def test_file_that_goes_away(tmp_path):
    with pytest.raises(ScanNotFoundError, match="cannot be opened"):
        open_file(tmp_path / "gone")

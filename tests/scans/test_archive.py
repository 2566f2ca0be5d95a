import stat
import zipfile
from contextlib import ExitStack

import pytest

from ichnos.errors import ArchiveError
from ichnos.scans import archive
from ichnos.scans.archive import is_zip, zip_members


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


def make_zip(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_members_are_read_in_place(tmp_path, stack):
    path = make_zip(tmp_path / "x.zip", {"a/": b"", "a/1": b"one", "2": b"two"})
    before = sorted(tmp_path.rglob("*"))
    assert {name: opener().read() for name, opener in zip_members(path, stack)} == {"a/1": b"one", "2": b"two"}
    assert sorted(tmp_path.rglob("*")) == before


def test_zip_is_known_by_name_or_by_content(tmp_path):
    path = make_zip(tmp_path / "scan", {"1": b"one"})
    assert is_zip(path, path.read_bytes()[:4])
    assert is_zip(tmp_path / "x.ZIP", b"")
    assert not is_zip(tmp_path / "x.dcm", b"\0\0\0\0")


def test_not_a_zip(tmp_path, stack):
    path = tmp_path / "x.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(ArchiveError, match=r"x.zip: not a zip file, or cut short .*; copy it again"):
        zip_members(path, stack)


def test_zip_cut_short(tmp_path, stack):
    path = make_zip(tmp_path / "x.zip", {"1": bytes(1000)})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ArchiveError, match="cut short"):
        zip_members(path, stack)


def test_damaged_member_is_named(tmp_path, stack):
    path = make_zip(tmp_path / "x.zip", {"a/1": b"content"}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"content", b"CONTENT"))
    ((_, opener),) = zip_members(path, stack)
    with pytest.raises(ArchiveError, match=r"x.zip:a/1: damaged .*CRC.*; copy the zip again"):
        opener()


@pytest.mark.parametrize("name", ["../1", "a/../../1", "/etc/1", "C:/1", "..\\1"])
def test_names_that_point_outside(tmp_path, stack, name):
    path = make_zip(tmp_path / "x.zip", {name: b"1"})
    with pytest.raises(ArchiveError, match="points outside of it; do not trust this zip"):
        zip_members(path, stack)


def test_link(tmp_path, stack):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = make_zip(tmp_path / "x.zip", {})
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(ArchiveError, match="holds the link 'link'"):
        zip_members(path, stack)


def test_encrypted(tmp_path, stack):
    path = make_zip(tmp_path / "x.zip", {"1": b"1"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match="is encrypted"):
        zip_members(path, stack)


def test_bomb(tmp_path, stack):
    path = make_zip(tmp_path / "x.zip", {"1": bytes(archive.SMALL_BYTES + 1)})
    with pytest.raises(ArchiveError, match=r"would unpack from 0.1 MiB to 64 MiB, as a zip bomb does"):
        zip_members(path, stack)


def test_too_large_in_all(tmp_path, stack, monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 10)
    with pytest.raises(ArchiveError, match="if you trust it, unpack it and give the folder"):
        zip_members(make_zip(tmp_path / "x.zip", {"1": b"0123456789a"}), stack)


def test_too_many_members(tmp_path, stack, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 1)
    with pytest.raises(ArchiveError, match="holds 2 files, more than 1"):
        zip_members(make_zip(tmp_path / "x.zip", {"1": b"", "2": b""}), stack)

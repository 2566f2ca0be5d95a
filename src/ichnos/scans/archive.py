"""Reading files inside a zip, in place: nothing is ever unpacked to disk."""

import io
import stat
import zipfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from ichnos.errors import ArchiveError

MAX_MEMBERS = 50_000
"""More files than any head CT study; a study of thin slices has a few thousand."""

MAX_BYTES = 8 * 2**30
"""Unpacked size; a study of 5,000 slices of 512 x 512 has 2.6 GB."""

MAX_RATIO = 100
"""Unpacked over packed size; real CT packs 2 to 5 times, a zip bomb 1,000 times."""

SMALL_BYTES = 64 * 2**20
"""A zip that unpacks to less is harmless at any ratio."""

MemberOpener = Callable[[], io.BufferedIOBase]


def is_zip(path: Path, start: bytes) -> bool:
    """Whether a file says that it is a zip, by its name or by its first bytes."""
    return path.suffix.lower() == ".zip" or start in {b"PK\x03\x04", b"PK\x05\x06"}


def zip_members(path: Path, stack: ExitStack) -> list[tuple[str, MemberOpener]]:
    """List the files inside a zip as (name, function that opens it).

    Args:
        path: the zip.
        stack: keeps the zip open until it is closed itself.

    Raises:
        ArchiveError: it is no zip; it is encrypted; it holds links or names that point outside;
            or it would unpack to more than the limits of this module.
    """
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise ArchiveError(f"{path}: not a zip file, or cut short ({error}); copy it again") from error
    members = [member for member in archive.infolist() if not member.is_dir()]
    _check_size(path, members)
    for member in members:
        _check_member(path, member)
    return [(member.filename, _opener(archive, member, path)) for member in members]


def _opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> MemberOpener:
    def open_member() -> io.BufferedIOBase:
        try:
            return io.BytesIO(archive.read(member))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise ArchiveError(f"{path}:{member.filename}: damaged ({error}); copy the zip again") from error

    return open_member


def _check_size(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse by the sizes that the zip declares; `zipfile` never reads past those."""
    if len(members) > MAX_MEMBERS:
        raise ArchiveError(
            f"{path}: holds {len(members)} files, more than {MAX_MEMBERS}; unpack it and give the folder"
        )
    unpacked = sum(member.file_size for member in members)
    packed = max(path.stat().st_size, 1)
    if unpacked > MAX_BYTES or (unpacked > SMALL_BYTES and unpacked / packed > MAX_RATIO):
        raise ArchiveError(
            f"{path}: would unpack from {packed / 2**20:.1f} MiB to {unpacked / 2**20:.0f} MiB, as a zip "
            f"bomb does (limits: {MAX_RATIO} times, {MAX_BYTES // 2**30} GiB); if you trust it, unpack it "
            "and give the folder"
        )


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or ":" in name.split("/")[0] or ".." in PurePosixPath(name).parts:
        raise ArchiveError(f"{path}: holds the name '{name}', which points outside of it; do not trust this zip")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ArchiveError(f"{path}: holds the link '{name}'; zip the files themselves instead")
    if member.flag_bits & 0x1:
        raise ArchiveError(f"{path}: is encrypted ('{name}'); unpack it with its password and give the folder")

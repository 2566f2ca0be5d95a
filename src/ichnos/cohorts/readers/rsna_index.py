"""A pass over the headers of very many DICOM images: parallel, resumable, in bounded memory.

The pass keeps what it found in a text file, a line an image, appended as it goes. A line counts as
long as the image has the size and time that it had; a line that a crash cut off is dropped.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import IO, NamedTuple

from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from ichnos.errors import CohortError
from ichnos.scans.dicom_headers import one_line, pydicom_silenced, read_dataset
from ichnos.scans.inputs import is_junk, walk_files

TAGS = (
    *("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID"),
    *("Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "NumberOfFrames"),
)
"""All that is read; names and dates of patients are not."""

CUT_SHORT = "its pixels are cut short"
CHUNK = 256
"""Images a worker takes at a time; so many are read again after a crash."""

FIRST_LINE = "# ichnos image headers, version 1\n"


class ImageHeader(NamedTuple):
    """What is kept of an image; empty where the file does not tell."""

    name: str
    """Path below the folder of images."""
    instance: str
    series: str
    study: str
    patient: str
    problem: str
    """Why it cannot be used."""


class _Stamp(NamedTuple):
    size: int
    time_ns: int


def index_headers(folder: Path, *, cache: Path | None = None, workers: int = 1) -> list[ImageHeader]:
    """Read the headers of all files below a folder, sorted by name.

    Args:
        folder: of the images; hidden and known junk files are passed over.
        cache: file that keeps what was found, made if missing; None to keep nothing.
        workers: processes that read.

    Raises:
        CohortError: the folder or the cache cannot be read or written.
    """
    stamps = _list(folder)
    found = {} if cache is None else _read_cache(cache, stamps)
    missing = [name for name in stamps if name not in found]
    try:
        with _appending(cache) as stream:
            for headers in _read_all(folder, missing, workers):
                found.update((header.name, _shared(header)) for header in headers)
                if stream is not None:
                    stream.writelines(_line(header, stamps[header.name]) for header in headers)
                    stream.flush()
    except OSError as error:
        raise CohortError(f"{cache}: cannot be written ({error.strerror}); give a place that can") from error
    return [found[name] for name in sorted(found)]


def read_image_header(path: Path, name: str) -> ImageHeader:
    """Identifiers of one image, and whether the file is long enough for its pixels."""
    try:
        with path.open("rb") as stream, pydicom_silenced():
            dataset = read_dataset(stream, stop_before_pixels=True, specific_tags=list(TAGS))
            rest = path.stat().st_size - stream.tell()
            instance, series, study, patient = (_text(dataset, keyword) for keyword in TAGS[:4])
            problem = CUT_SHORT if _is_cut_short(dataset, rest) else ""
    except InvalidDicomError:
        return ImageHeader(name, "", "", "", "", "not a DICOM file")
    except Exception as error:  # the parser raises many kinds on corrupt bytes
        return ImageHeader(name, "", "", "", "", f"its header is cut short or corrupt ({one_line(error, 80)})")
    return ImageHeader(name, instance, series, study, patient, problem)


def _shared(header: ImageHeader) -> ImageHeader:
    """The header with one copy in memory of what many images have in common."""
    series, study, patient, problem = (sys.intern(text) for text in header[2:])
    return ImageHeader(header.name, header.instance, series, study, patient, problem)


def _is_cut_short(dataset: Dataset, rest: int) -> bool:
    """Whether less is left after the header than uncompressed pixels need."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_deflated:
        return False  # it had to be inflated to be read, so it is whole
    if syntax.is_compressed:
        return rest == 0
    sizes = [int(dataset.get(keyword) or default) for keyword, default in zip(TAGS[4:], (0, 0, 16, 1, 1), strict=True)]
    rows, columns, bits, samples, frames = sizes
    implicit, _ = dataset.original_encoding
    return rest < (8 if implicit else 12) + rows * columns * samples * frames * bits // 8


def _text(dataset: Dataset, keyword: str) -> str:
    return " ".join(str(dataset.get(keyword) or "").split())


def _list(folder: Path) -> dict[str, _Stamp]:
    """Size and time of all files below a folder; a link to nothing has neither."""
    stamps = {}
    for path in walk_files(folder):
        name = path.relative_to(folder)
        if not is_junk(name):
            state = path.stat() if path.exists() else None
            stamps[name.as_posix()] = _Stamp(state.st_size, state.st_mtime_ns) if state else _Stamp(-1, 0)
    return stamps


def _read_all(folder: Path, names: Sequence[str], workers: int) -> Iterator[list[ImageHeader]]:
    chunks = (names[start : start + CHUNK] for start in range(0, len(names), CHUNK))
    read = partial(_read_chunk, folder)
    if workers <= 1 or len(names) <= CHUNK:
        yield from map(read, chunks)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(read, chunks)


def _read_chunk(folder: Path, names: Sequence[str]) -> list[ImageHeader]:
    return [read_image_header(folder / name, name) for name in names]


def _line(header: ImageHeader, stamp: _Stamp) -> str:
    return "\t".join((*header, str(stamp.size), str(stamp.time_ns))) + "\n"


def _read_cache(cache: Path, stamps: Mapping[str, _Stamp]) -> dict[str, ImageHeader]:
    """What an earlier pass found of files that have not changed since."""
    found: dict[str, ImageHeader] = {}
    if not cache.is_file():
        return found
    with cache.open(encoding="utf-8", errors="replace", newline="\n") as stream:
        first = stream.readline()
        if first.endswith("\n") and first != FIRST_LINE:
            raise CohortError(f"{cache}: is not an index of image headers of this version; remove it or name another")
        for line in stream:
            *fields, size, time_ns = line.rstrip("\n").split("\t") if line.endswith("\n") else ["", ""]
            if len(fields) == len(ImageHeader._fields) and stamps.get(fields[0]) == (_number(size), _number(time_ns)):
                found[fields[0]] = _shared(ImageHeader(*fields))
    return found


def _number(text: str) -> int:
    return int(text) if text.lstrip("-").isdigit() else -2


@contextmanager
def _appending(cache: Path | None) -> Iterator[IO[str] | None]:
    """The cache, open for more lines; half a line at its end is cut off first."""
    if cache is None:
        yield None
        return
    cache.parent.mkdir(parents=True, exist_ok=True)
    with cache.open("ab+") as stream:
        end = stream.seek(0, os.SEEK_END)
        while end:
            start = max(end - 65536, 0)
            stream.seek(start)
            whole = stream.read(end - start).rfind(b"\n") + 1
            end = start + whole
            if whole:
                break
        stream.truncate(end)
    with cache.open("a", encoding="utf-8", newline="\n") as text:
        if not end:
            text.write(FIRST_LINE)
        yield text

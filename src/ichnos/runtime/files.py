"""Writing results so that a reader never sees half a file."""

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary file keeps the ending of `path` (all of `.nii.gz`), which some writers look at.
    It is removed if the block fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".partial-", suffix="".join(path.suffixes))
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text in one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:  # noqa: ANN401 - JSON is any nesting of plain values
    """Write readable JSON in one step; `Path`s become strings."""
    write_text(path, json.dumps(content, indent=2, default=str, allow_nan=False) + "\n")


def sha256_of(path: Path) -> str:
    """Of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def nan_to_none(figures: Mapping[str, float]) -> dict[str, float | None]:
    """Figures for JSON, which knows no NaN: None where there was nothing to measure."""
    return {name: None if math.isnan(figure) else figure for name, figure in figures.items()}


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""Refuse files that must not be committed: images of patients, keys, big files, broken settings.

Usage: python tools/check_files.py FILE...   (pre-commit passes the staged files)
"""

import json
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import yaml

MAX_BYTES = 500_000
MAX_IMAGE_BYTES = 4_000
MAX_WEIGHT_BYTES = 15_000_000
IMAGE_ENDINGS = (".dcm", ".ima", ".nii", ".nii.gz", ".nrrd", ".mha")
WEIGHTS = "src/ichnos/weights/"
PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
MERGE_MARK = re.compile(rb"^(<{7} |>{7} |={7}$)", re.MULTILINE)
PARSERS: dict[str, Callable[[str], object]] = {
    ".toml": tomllib.loads,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
    ".cff": yaml.safe_load,
    ".json": json.loads,
}


def complaints(path: Path) -> list[str]:
    """What is wrong with one file; nothing if it may be committed."""
    content = path.read_bytes()
    return [*_size(path, len(content)), *_image(path, content), *_content(content), *_syntax(path, content)]


def _size(path: Path, size: int) -> list[str]:
    limit = MAX_WEIGHT_BYTES if WEIGHTS in path.as_posix() else MAX_BYTES
    return [f"{size:,} bytes; at most {limit:,}"] if size > limit else []


def _image(path: Path, content: bytes) -> list[str]:
    if content[128:132] == b"DICM":
        return ["a DICOM file: it may name a patient; tests make theirs from phantoms"]
    if path.name.lower().endswith(IMAGE_ENDINGS) and len(content) > MAX_IMAGE_BYTES:
        return [f"an image of more than {MAX_IMAGE_BYTES:,} bytes: it may show a patient"]
    return []


def _content(content: bytes) -> list[str]:
    found = []
    if PRIVATE_KEY.search(content):
        found.append("holds a private key")
    if MERGE_MARK.search(content):
        found.append("holds marks of an unfinished merge")
    return found


def _syntax(path: Path, content: bytes) -> list[str]:
    parse = PARSERS.get(path.suffix)
    if parse is None:
        return []
    try:
        parse(content.decode("utf-8"))
    except (ValueError, yaml.YAMLError) as error:
        return [f"does not parse: {' '.join(str(error).split())}"]
    return []


def main(names: list[str]) -> int:
    """Print one line for each complaint; 1 if there is any."""
    lines = [f"{name}: {text}" for name in names if Path(name).is_file() for text in complaints(Path(name))]
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

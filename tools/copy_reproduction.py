"""Copy the pages of both reproductions into the documentation, their pictures with few colours so that they are small.

    python tools/copy_reproduction.py reproduction-work docs/reproduction

`reproduction-work` holds a finished `ichnos reproduce` for each name in `PAPERS`.
"""

import sys
from pathlib import Path

from PIL import Image

PAPERS = ("hgi-sam", "label-efficient")
COLOURS = 64
LIMIT_KB = 300


def main(source: Path, target: Path) -> int:
    """Copy; returns 1 if a page is missing or the pictures together are larger than `LIMIT_KB`."""
    missing = [paper for paper in PAPERS if not (source / paper / "index.md").is_file()]
    if missing:
        sys.stderr.write(f"{source} holds no finished {' and no '.join(missing)}; run: make reproduction\n")
        return 1
    (target / "pictures").mkdir(parents=True, exist_ok=True)
    for stale in (target / "pictures").glob("*.png"):
        stale.unlink()
    for paper in PAPERS:
        (target / f"{paper}.md").write_text((source / paper / "index.md").read_text(encoding="utf-8"), encoding="utf-8")
        for picture in sorted((source / paper / "pictures").glob("*.png")):
            shrink(picture, target / "pictures" / picture.name)
    size_kb = sum(path.stat().st_size for path in (target / "pictures").glob("*.png")) / 1000
    sys.stderr.write(f"pictures: {size_kb:.0f} kB of {LIMIT_KB}\n")
    return int(size_kb > LIMIT_KB)


def shrink(source: Path, target: Path) -> None:
    """Write a PNG with a palette."""
    with Image.open(source) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))

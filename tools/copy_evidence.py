"""Copy the pages of a finished `ichnos evidence` into the documentation, and its first table into the README.

    python tools/copy_evidence.py evidence-work docs/evidence README.md

Nothing on the pages is typed by hand; what cannot be found is left as it was, and said.
"""

import re
import shutil
import sys
from pathlib import Path

PAGES = ("models", "features", "ablation")
LIMIT_KB = 1500
BLOCK = re.compile(r"(<!-- evidence -->\n).*?(<!-- end of evidence -->)", re.DOTALL)


def main(source: Path, target: Path, readme: Path) -> int:
    """Copy; returns 1 if the page of the models is missing or the pictures together are larger than `LIMIT_KB`."""
    if not (source / "pages" / "models" / "index.md").is_file():
        sys.stderr.write(f"{source} holds no finished evidence; run: make evidence\n")
        return 1
    (target / "pictures").mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        page = source / "pages" / name
        if not page.is_dir():
            sys.stderr.write(f"{source} has no page {name}; docs keep their own\n")
            continue
        (target / f"{name}.md").write_text((page / "index.md").read_text(encoding="utf-8"), encoding="utf-8")
        for picture in sorted(page.glob("pictures/*.jpg")):
            shutil.copyfile(picture, target / "pictures" / picture.name)
    tables = sorted((source / "stages" / "tables" / "tables").glob("*.md"))
    write_block(readme, [path.read_text(encoding="utf-8") for path in tables if path.stem[-2:] not in ("-2", "-3")])
    size_kb = sum(path.stat().st_size for path in (target / "pictures").glob("*.jpg")) / 1000
    sys.stderr.write(f"pictures: {size_kb:.0f} kB of {LIMIT_KB}\n")
    return int(size_kb > LIMIT_KB)


def write_block(readme: Path, tables: list[str]) -> None:
    """Put tables, without their notes, between the two comments of the README."""
    kept = ["\n\n".join(table.split("\n\n")[:2]).rstrip() for table in tables]
    text = readme.read_text(encoding="utf-8")
    if not BLOCK.search(text):
        sys.stderr.write(f"{readme} has no place for the table of evidence; it is left as it was\n")
        return
    readme.write_text(BLOCK.sub(lambda found: found[1] + "\n\n".join(kept) + "\n" + found[2], text), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:4])))

"""Every source file has its test file: src/ichnos/scans/scan.py and tests/scans/test_scan.py."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "src" / "ichnos"

EXCUSED: dict[str, str] = {}
"""Source files without a test file of their own, each with the reason."""


def test_every_source_file_has_its_test_file() -> None:
    sources = [path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py"))]
    missing = [
        f"tests/{test.as_posix()}"
        for source in sources
        if source.name != "__init__.py" and source.as_posix() not in EXCUSED
        if not (REPOSITORY / "tests" / (test := source.with_name(f"test_{source.name}"))).is_file()
    ]
    assert sources
    assert missing == []

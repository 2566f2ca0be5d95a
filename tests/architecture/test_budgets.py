"""Files and functions stay short enough to read in one go."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "ichnos"
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60

EXCUSED: dict[str, str] = {}
"""What may be longer, as `room/file.py` or `room/file.py:function`, each with the reason."""


def too_long(path: Path, name: str) -> dict[str, int]:
    """Lines of the file and of its functions, where they exceed their budget."""
    text = path.read_text(encoding="utf-8")
    found = {name: len(text.splitlines())} if len(text.splitlines()) > MAX_FILE_LINES else {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                found[f"{name}:{node.name}"] = lines
    return found


def test_files_and_functions_keep_their_budget() -> None:
    found: dict[str, int] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        found |= too_long(path, path.relative_to(PACKAGE).as_posix())
    assert {name: lines for name, lines in found.items() if name not in EXCUSED} == {}
    assert sorted(set(EXCUSED) - set(found)) == [], "these excuses are no longer needed"


@pytest.mark.parametrize(
    ("statements", "expected"),
    [(59, {}), (60, {"f.py:f": 61}), (300, {"f.py": 301, "f.py:f": 301})],
)
def test_long_functions_and_files_are_found(tmp_path: Path, statements: int, expected: dict[str, int]) -> None:
    path = tmp_path / "f.py"
    path.write_text("def f():\n" + "    pass\n" * statements)
    assert too_long(path, "f.py") == expected

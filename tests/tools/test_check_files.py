import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "check_files.py"
specification = importlib.util.spec_from_file_location("check_files", SCRIPT)
check_files = importlib.util.module_from_spec(specification)
specification.loader.exec_module(check_files)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("IM0001", bytes(128) + b"DICM", "a DICOM file"),
        ("head.nii.gz", bytes(5_000), "an image of more than 4,000 bytes"),
        ("table.csv", bytes(500_001), "500,001 bytes; at most 500,000"),
        ("key.txt", b"-----BEGIN RSA PRIVATE" + b" KEY-----\n", "holds a private key"),
        ("note.md", b"a\n<<<<<<" + b"< HEAD\n", "unfinished merge"),
        ("recipe.toml", b"seed = \n", "does not parse"),
        ("hooks.yaml", b"a: [1\n", "does not parse"),
        ("run.json", b"\xff", "does not parse"),
    ],
)
def test_a_bad_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, complaint: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert check_files.main([str(path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{path}: ")
    assert complaint in line


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tiny.nii", bytes(352)),
        ("recipe.toml", b"seed = 1\n"),
        ("heading.rst", b"Title\n========\n"),
        ("src/ichnos/weights/model.safetensors", bytes(600_000)),
    ],
)
def test_a_good_file_passes(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert check_files.main([str(path), str(tmp_path / "deleted.txt")]) == 0

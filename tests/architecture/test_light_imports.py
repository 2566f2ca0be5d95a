"""`ichnos --help`, `ichnos info` and `import ichnos` answer at once, without heavy libraries."""

import subprocess
import sys
import time

import pytest

HEAVY = {"lightning", "matplotlib", "monai", "nibabel", "pandas", "pydicom", "scipy", "sklearn", "torch"}
HEAVY |= {"transformers"}
LIMIT_SECONDS = 0.5
ATTEMPTS = 8

IMPORT = "import ichnos"
COMMAND = """
from ichnos.cli.app import main
sys.argv = ["ichnos", "{argument}"]
try:
    main()
except SystemExit as exit:
    assert exit.code in (0, None), exit.code
"""
REPORT = "print('loaded:', *{name.partition('.')[0] for name in sys.modules})"

WAYS = {
    "import ichnos": IMPORT,
    "ichnos --help": COMMAND.format(argument="--help"),
    "ichnos info": COMMAND.format(argument="info"),
}


def run(code: str) -> tuple[float, set[str]]:
    """Seconds from start to end of a new interpreter, and the top-level modules it loaded."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\n{REPORT}"], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    return seconds, set(last.split()[1:])


@pytest.mark.parametrize("way", WAYS)
def test_nothing_heavy_is_loaded(way: str) -> None:
    _, loaded = run(WAYS[way])
    assert "ichnos" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("way", WAYS)
def test_the_answer_comes_in_half_a_second(way: str) -> None:
    """The fastest of a few runs counts, so that a busy machine does not fail it."""
    fastest = float("inf")
    for _ in range(ATTEMPTS):
        fastest = min(fastest, run(WAYS[way])[0])
        if fastest < LIMIT_SECONDS:
            break
    assert fastest < LIMIT_SECONDS


@pytest.mark.parametrize(
    ("module", "kept_out"),
    [
        ("ichnos.cli.compare", {"lightning", "monai", "torch", "transformers"}),
        ("ichnos.cli.segment", {"lightning", "monai", "pandas", "sklearn", "transformers"}),
    ],
)
def test_a_command_loads_what_it_needs_only(module: str, kept_out: set[str]) -> None:
    _, loaded = run(f"import {module}")
    assert loaded & kept_out == set()


def test_python_m_runs_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "ichnos", "--help"], capture_output=True, text=True, check=True)
    assert "segmentation of intracranial hemorrhage" in done.stdout

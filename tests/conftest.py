"""What all tests share: the environment set before torch loads, real scans, skipping by mark, a tiny model."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read by torch when it loads
os.environ.setdefault("MPLBACKEND", "Agg")

from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("ichnos", deadline=None)  # first calls import libraries; machines are shared
hypothesis.settings.load_profile("ichnos")

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--real-data",
        type=Path,
        default=REPOSITORY.parent / "shared" / "data",
        help="folder with real-head-ct/ and geometry/ (default: shared/data beside the repository)",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker("real")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")


@pytest.fixture(scope="session")
def real_data(request: pytest.FixtureRequest) -> Path:
    """Folder of the real scans, which are not in the repository."""
    folder: Path = request.config.getoption("--real-data")
    if not folder.is_dir():
        pytest.skip(f"no real scans at {folder}; name their folder with --real-data")
    return folder


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a checkpoint trained for seconds: whole and deterministic, good for nothing else."""
    import torch
    from tiny import tiny_recipe

    from ichnos.models.checkpoint import save_checkpoint
    from ichnos.training.model_card import write_card
    from ichnos.training.train import train

    folder = tmp_path_factory.mktemp("tiny") / "tiny-model"
    checkpoint = train(tiny_recipe(), folder.parent / "work", device=torch.device("cpu"), workers=1)
    return save_checkpoint(checkpoint, folder, write_card(checkpoint, "tiny-model", {}))

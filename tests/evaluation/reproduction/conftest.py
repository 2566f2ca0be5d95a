"""A whole tiny experiment, run once for all tests that look at what its stages left."""

from pathlib import Path

import pytest
from tiny_scales import tiny_hgi_sam

from ichnos.evaluation.reproduction.hgi_sam import plan_hgi_sam
from ichnos.evaluation.reproduction.plan import run_plan
from ichnos.evaluation.reproduction.scale import choose_data


@pytest.fixture(scope="session")
def experiment(tmp_path_factory) -> Path:
    """Folder of a finished tiny experiment of the first paper; not to be written into."""
    folder = tmp_path_factory.mktemp("hgi-sam")
    scale = tiny_hgi_sam()
    ended = list(run_plan(plan_hgi_sam(choose_data("phantom", scale), scale, "cpu"), folder))
    assert not [one.message for one in ended if one.message]
    return folder

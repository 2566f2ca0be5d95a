import json

import pytest
import torch
from tiny import SWIN

from ichnos.errors import UsageError
from ichnos.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ichnos.models.create import create_model
from ichnos.training.recipe import Start
from ichnos.training.start import describe_origin, describe_start, set_frozen, start_from


def make(seed):
    torch.manual_seed(seed)
    return create_model("swin", SWIN)


@pytest.fixture
def source(tmp_path):
    """Saves a network; returns its folder."""

    def save(**training):
        network = {"name": "swin", "arguments": SWIN}
        return save_checkpoint(Checkpoint(network, {}, {}, (), make(1), training), tmp_path / "source", "")

    return save


def test_named_parts_move_and_are_told(source, tmp_path):
    model = make(2)
    moved = start_from(model, Start(checkpoint=source(), parts=("transformer.swin",)), tmp_path / "transfer.json")
    told = json.loads((tmp_path / "transfer.json").read_text())
    assert told["moved"] == list(moved.moved)
    assert told["parts"] == ["transformer.swin"]
    body, head = make(1).state_dict(), make(2).state_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(value, (body if name.startswith("transformer.swin.") else head)[name]), name
    assert describe_start(moved) == f"Took over {len(moved.moved)} tensors; 2 begin at random, 2 were left."
    assert all(parameter.requires_grad for parameter in model.parameters()), "nothing is frozen unless asked"


def test_what_moved_may_be_frozen(source, tmp_path):
    model = make(2)
    start = Start(checkpoint=source(), parts=("transformer.swin",), freeze=True)
    moved = start_from(model, start, tmp_path / "transfer.json")
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert frozen == {name for name in moved.moved if name in dict(model.named_parameters())}
    set_frozen(model, moved.moved, frozen=False)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_without_parts_those_move_that_training_was_for(source, tmp_path):
    folder = source(trained_parts=["transformer.classifier"])
    moved = start_from(make(2), Start(checkpoint=folder), tmp_path / "transfer.json")
    assert all(name.startswith("transformer.classifier.") for name in moved.moved)


def test_without_any_parts_they_are_asked_for(source, tmp_path):
    with pytest.raises(UsageError, match=r"does not say what to take over; set start.parts, of: transformer$"):
        start_from(make(2), Start(checkpoint=source()), tmp_path / "transfer.json")


def test_what_the_first_weights_had_seen_is_told(source):
    folder = source(data="store rsna", labels="labels per slice", versions={"torch": "1"})
    told = describe_origin(Start(checkpoint=folder))
    assert (told["checkpoint"], told["data"], told["labels"]) == ("source", "store rsna", "labels per slice")
    assert told["sha256"] == load_checkpoint(folder).sha256
    assert "versions" not in told

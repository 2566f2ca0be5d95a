import hashlib
import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import SWIN

from ichnos.errors import CheckpointError
from ichnos.models.checkpoint import FORMAT, Checkpoint, load_checkpoint, save_checkpoint
from ichnos.models.create import create_model


def made():
    torch.manual_seed(1)
    return Checkpoint(
        network={"name": "swin", "arguments": SWIN},
        preprocessing={"image_size": 32},
        segmentation={"map_threshold": 0.25},
        labels=("no bleed", "bleed"),
        training={"data": "nothing", "seed": 1},
        model=create_model("swin", SWIN),
    )


@pytest.fixture
def folder(tmp_path):
    return save_checkpoint(made(), tmp_path / "model", "# A card\n")


def describe(folder, change):
    """Change ichnos.json by hand."""
    path = folder / "ichnos.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def replace_weights(folder, weights):
    """Other weights under a sha256 that is right."""
    save_file(weights, folder / "model.safetensors")
    sha256 = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    describe(folder, lambda content: content.update(sha256=sha256))


def refused(folder, pattern):
    with pytest.raises(CheckpointError, match=pattern) as caught:
        load_checkpoint(folder)
    assert "\n" not in str(caught.value)


def test_a_round_trip_keeps_everything(folder):
    before, after = made(), load_checkpoint(folder)
    for name in ("network", "preprocessing", "segmentation", "labels", "training"):
        assert getattr(after, name) == getattr(before, name)
    assert list(after.model.state_dict()) == list(before.model.state_dict())
    for one, other in zip(after.model.state_dict().values(), before.model.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert not after.model.training
    assert after.sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_the_folder_holds_weights_description_and_card(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "ichnos.json", "model.safetensors"]
    assert (folder / "README.md").read_text() == "# A card\n"
    assert json.loads((folder / "ichnos.json").read_text())["format"] == FORMAT


def test_saving_twice_gives_the_same_bits(folder, tmp_path):
    again = save_checkpoint(load_checkpoint(folder), tmp_path / "again", "# A card\n")
    for path in folder.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()


def test_an_altered_weight_is_refused(folder):
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    refused(folder, r"model.safetensors has sha256 \w{12}…, its ichnos.json says \w{12}…; the file was altered")


def test_truncated_weights_are_refused(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    refused(folder, r"the file was altered or only partly copied: copy the folder again$")


def test_weights_that_are_no_safetensors_are_refused(folder):
    (folder / "model.safetensors").write_bytes(b"PK nonsense")
    sha256 = hashlib.sha256(b"PK nonsense").hexdigest()
    describe(folder, lambda content: content.update(sha256=sha256))
    refused(folder, r"model.safetensors does not fit the network of its ichnos.json: ")


def test_missing_weights_are_refused(folder):
    (folder / "model.safetensors").unlink()
    refused(folder, r"holds no model.safetensors; copy the whole checkpoint folder$")


def test_a_folder_without_description_is_refused(folder):
    (folder / "ichnos.json").unlink()
    refused(folder, r"model is not a checkpoint: it holds no ichnos.json$")


def test_no_folder_is_refused(tmp_path):
    refused(tmp_path / "nothing", r"nothing is not a checkpoint: it holds no ichnos.json$")


@pytest.mark.parametrize("text", [b'{"format": 1', b"\xff\xfe\x00", b""])
def test_a_description_that_is_not_json_is_refused(folder, text):
    (folder / "ichnos.json").write_bytes(text)
    refused(folder, r"ichnos.json is not readable JSON \(.*\); copy the folder again$")


@pytest.mark.parametrize("text", ["[]", "3", '[{"format": 1}]', "null"])
def test_json_that_describes_nothing_is_refused(folder, text):
    (folder / "ichnos.json").write_text(text)
    refused(folder, r"ichnos.json lacks format, labels, network, preprocessing, segmentation, sha256, training")


@pytest.mark.parametrize("key", ["format", "network", "preprocessing", "segmentation", "labels", "training", "sha256"])
def test_a_key_that_lacks_is_named(folder, key):
    describe(folder, lambda content: content.pop(key))
    refused(folder, rf"ichnos.json lacks {key}; copy the folder again$")


@pytest.mark.parametrize(
    ("key", "value"), [("format", "1"), ("sha256", None), ("network", "swin"), ("labels", "bleed")]
)
def test_a_value_of_another_kind_is_named(folder, key, value):
    describe(folder, lambda content: content.update({key: value}))
    refused(folder, rf"ichnos.json: {key} is a {type(value).__name__}; it was altered by hand$")


def test_a_network_without_its_arguments_is_refused(folder):
    describe(folder, lambda content: content["network"].pop("arguments"))
    refused(folder, r"ichnos.json: network lacks arguments; copy the folder again$")


def test_a_newer_format_is_refused(folder):
    describe(folder, lambda content: content.update(format=FORMAT + 1))
    refused(folder, rf"is written in format {FORMAT + 1}, this ichnos reads up to {FORMAT}; update ichnos$")


def test_a_network_of_a_newer_ichnos_is_refused(folder):
    describe(folder, lambda content: content["network"].update(name="swim"))
    refused(folder, r"no network is called 'swim'; did you mean 'swin'\?.*; was it written by a newer ichnos\?$")


def test_arguments_of_a_newer_ichnos_are_refused(folder):
    describe(folder, lambda content: content["network"]["arguments"].update(rotary=True))
    refused(folder, r"arguments.rotary is not a setting; known keys: .*; was it written by a newer ichnos\?$")


def test_arguments_of_another_size_are_refused(folder):
    describe(folder, lambda content: content["network"]["arguments"].update(embed_dim=16))
    refused(folder, r"does not fit the network of its ichnos.json: .*size mismatch")


def test_weights_that_lack_a_key_are_refused_by_its_name(folder):
    weights = load_file(folder / "model.safetensors")
    weights.pop("transformer.classifier.bias")
    replace_weights(folder, weights)
    refused(folder, r"does not fit the network of its ichnos.json: .*transformer.classifier.bias")


def test_a_failed_save_leaves_the_old_weights(folder, monkeypatch):
    before = (folder / "model.safetensors").read_bytes()

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("ichnos.models.checkpoint.save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(made(), folder, "")
    assert (folder / "model.safetensors").read_bytes() == before

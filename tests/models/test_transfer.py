import dataclasses

import pytest
import torch

from ichnos.errors import UsageError
from ichnos.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ichnos.models.create import create_model
from ichnos.models.transfer import transfer

UNET = {"width": 2}


def made(name, seed, **changes):
    """A network whose tensors, running statistics too, differ from those of another seed."""
    torch.manual_seed(seed)
    model = create_model(name, {**UNET, **changes})
    model.train()(torch.randn(2, 1, 32, 32))
    return model


def copy_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def names_in(model, *parts):
    return tuple(name for name in model.state_dict() if name.startswith(tuple(f"{part}." for part in parts)))


def test_a_classifiers_encoder_moves_into_a_unet():
    source, target = made("unet-classifier", 1), made("unet", 2)
    before = copy_of(target)
    report = transfer(source, target, ["encoder"])
    assert report.moved == names_in(source, "encoder")
    assert report.kept == names_in(target, "decoder", "output")
    assert report.unused == names_in(source, "classifier")
    for name, value in target.state_dict().items():
        assert torch.equal(value, source.state_dict()[name] if name in report.moved else before[name]), name


def test_running_statistics_move_too():
    source, target = made("unet-classifier", 1), made("unet", 2)
    assert "encoder.blocks.0.1.running_mean" in transfer(source, target, ["encoder"]).moved
    assert torch.equal(target.encoder.blocks[0][1].running_mean, source.encoder.blocks[0][1].running_mean)


def test_of_regions_three_of_four_decoder_blocks_move():
    source, target = made("unet-regions", 1), made("unet", 2)
    report = transfer(source, target, ["encoder", "decoder"])
    assert report.kept == names_in(target, "decoder.blocks.3", "output")
    assert report.unused == names_in(source, "projection")


def test_all_but_the_output_of_a_unet_moves():
    source, target = made("unet", 1), made("unet", 2, outputs=2)
    report = transfer(source, target, ["encoder", "decoder"])
    assert (report.kept, report.unused) == (names_in(target, "output"), names_in(source, "output"))


def test_one_block_can_be_named_and_is_a_whole_word():
    report = transfer(made("unet", 1), made("unet", 2), ["decoder.blocks.1"])
    assert report.moved == names_in(made("unet", 1), "decoder.blocks.1")
    with pytest.raises(UsageError, match=r"share no tensor of a part 'decoder\.block'"):
        transfer(made("unet", 1), made("unet", 2), ["decoder.block"])


def test_a_tensor_can_be_named():
    assert transfer(made("unet", 1), made("unet", 2), ["output.bias"]).moved == ("output.bias",)


def test_moved_tensors_are_copies_and_go_on_learning():
    source, target = made("unet-classifier", 1), made("unet", 2)
    transfer(source, target, ["encoder"])
    kept = copy_of(source)
    assert all(parameter.requires_grad for parameter in target.parameters())
    with torch.no_grad():
        for parameter in target.parameters():
            parameter.add_(1)
    assert all(torch.equal(value, kept[name]) for name, value in source.state_dict().items())


def test_from_a_checkpoint_folder(tmp_path):
    source, target = made("unet-classifier", 1), made("unet", 2)
    checkpoint = Checkpoint({"name": "unet-classifier", "arguments": UNET}, {}, {}, ("no bleed", "bleed"), source)
    loaded = load_checkpoint(save_checkpoint(checkpoint, tmp_path, "")).model
    assert transfer(loaded, target, ["encoder"]) == transfer(source, made("unet", 2), ["encoder"])
    assert torch.equal(target.encoder.blocks[4][3].weight, source.encoder.blocks[4][3].weight)


def test_another_shape_is_refused_in_one_line_and_nothing_is_changed():
    source, target = made("unet-classifier", 1, middle_factor=1), made("unet", 2)
    before = copy_of(target)
    pattern = r"^tensor 'encoder.blocks.0.0.weight' is 2 x 1 x 3 x 3 in the source and 1 x 1 x 3 x 3 in the network"
    with pytest.raises(UsageError, match=pattern) as caught:
        transfer(source, target, ["encoder"])
    assert "\n" not in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in target.state_dict().items())


def test_a_late_mismatch_changes_nothing_either():
    source, target = made("unet", 1), made("unet", 2, outputs=2)
    before = copy_of(target)
    with pytest.raises(UsageError, match=r"^tensor 'output.weight' is 1 x 2 x 1 x 1 in the source and 2 x 2 x 1 x 1"):
        transfer(source, target, ["encoder", "decoder", "output"])
    assert all(torch.equal(value, before[name]) for name, value in target.state_dict().items())


@pytest.mark.parametrize(
    ("part", "hint"), [("encodr", "; did you mean 'encoder'\\? the source has: "), ("classifier", "; the source has: ")]
)
def test_a_part_that_moves_nothing_is_refused(part, hint):
    with pytest.raises(
        UsageError, match=f"^both networks share no tensor of a part '{part}'{hint}encoder, classifier$"
    ):
        transfer(made("unet-classifier", 1), made("unet", 2), ["encoder", part])


def test_the_report_is_frozen():
    report = transfer(made("unet", 1), made("unet", 2), ["output"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.moved = ()

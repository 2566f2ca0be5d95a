import pickle
from pathlib import Path

import pytest
import torch
from models.timm_swin import TimmSwin, Wrapped, lively
from safetensors.torch import save_file
from transformers import SwinConfig, SwinForImageClassification

from ichnos.errors import CheckpointError
from ichnos.models.import_weights import import_swin, read_weights

PIXELS = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("ending", [".pth", ".pt", ".safetensors"])
def test_a_file_gives_a_network_with_the_same_logits(tmp_path: Path, ending: str) -> None:
    source = lively(Wrapped(2, newer=True))
    path = tmp_path / f"weights{ending}"
    save_file(source.state_dict(), path) if ending == ".safetensors" else torch.save(source.state_dict(), path)
    model, arguments = import_swin(str(path), 64)
    assert (arguments["outputs"], model.training) == (2, False)
    with torch.no_grad():
        torch.testing.assert_close(model(PIXELS), source(PIXELS), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict"])
def test_weights_are_found_beside_other_things(tmp_path: Path, key: str) -> None:
    weights = {f"module.{name}": tensor for name, tensor in TimmSwin(newer=False).state_dict().items()}
    torch.save({key: weights, "epoch": 3, "optimizer": {"state": {}}}, tmp_path / "a.pth")
    assert read_weights(tmp_path / "a.pth").keys() == TimmSwin(newer=False).state_dict().keys()


class Harmful:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("was-run"),))


def test_nothing_but_tensors_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Harmful()}, tmp_path / "bad.pth")
    with pytest.raises(CheckpointError, match=r"holds Python objects beside its weights.*save the state_dict"):
        import_swin(str(tmp_path / "bad.pth"))
    assert not Path("was-run").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.safetensors", b"123", "is not a readable weights file"),
        ("a.pth", b"", "is not a readable weights file|holds Python objects"),
        ("a.pth", pickle.dumps([1, 2], protocol=2), "holds|not a readable"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        import_swin(str(tmp_path / name))


def test_other_contents_are_named(tmp_path: Path) -> None:
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"does not hold a Swin in timm's naming; it holds conv\.weight"):
        import_swin(str(tmp_path / "a.pth"))
    torch.save([torch.zeros(1)], tmp_path / "b.pth")
    with pytest.raises(CheckpointError, match="holds a list, not weights by name"):
        import_swin(str(tmp_path / "b.pth"))


def test_leftovers_and_gaps_name_the_file(tmp_path: Path) -> None:
    weights = TimmSwin(newer=False).state_dict()
    torch.save(weights | {"extra": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"a\.pth: 1 weights are not those of a Swin: extra"):
        import_swin(str(tmp_path / "a.pth"))
    torch.save({k: v for k, v in weights.items() if k != "norm.bias"}, tmp_path / "b.pth")
    with pytest.raises(CheckpointError, match=r"b\.pth does not fit a Swin of .*layernorm\.bias"):
        import_swin(str(tmp_path / "b.pth"))


def test_an_image_too_small_for_its_tiles_is_refused(tmp_path: Path) -> None:
    torch.save(TimmSwin(newer=True).state_dict(), tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="less than one tile of 4"):
        import_swin(str(tmp_path / "a.pth"), 32)


def test_a_hugging_face_folder_is_read(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = SwinConfig(image_size=64, patch_size=4, window_size=4, depths=[2, 2], num_heads=[1, 2], embed_dim=8)
    source = SwinForImageClassification(config).eval()
    source.save_pretrained(tmp_path / "swin")
    model, arguments = import_swin(str(tmp_path / "swin"))
    assert arguments["tile_size"] == 4
    with torch.no_grad():
        torch.testing.assert_close(model(PIXELS), source(PIXELS).logits)


def test_without_a_network_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("We couldn't connect\nto the hub")

    monkeypatch.setattr(SwinForImageClassification, "from_pretrained", fail)
    with pytest.raises(CheckpointError, match=r"owner/name cannot be loaded .*connect to the hub.*give the folder"):
        import_swin("owner/name")


def test_nothing_there_is_said() -> None:
    with pytest.raises(CheckpointError, match=r"nowhere\.pth does not exist"):
        import_swin("nowhere.pth")

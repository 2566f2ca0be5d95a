import json
from pathlib import Path

import pytest
import torch
from models.timm_swin import TimmSwin, Wrapped, lively
from preprocessing.heads import ball_head

from ichnos.cli.import_weights import run_import_weights
from ichnos.errors import CheckpointError, UsageError
from ichnos.models.checkpoint import load_checkpoint
from ichnos.segmentation.segmenter import load_segmenter


def run(source: Path, output: Path, preset: str = "paper", **options: object) -> None:
    run_import_weights(str(source), output, preset, **{"image_size": 64, "overwrite": False, "quiet": True, **options})


@pytest.mark.parametrize("preset", ["paper", "reference"])
@pytest.mark.parametrize("outputs", [1, 2, 6])
def test_an_imported_network_segments(tmp_path: Path, preset: str, outputs: int) -> None:
    torch.save(lively(Wrapped(outputs, newer=False)).state_dict(), tmp_path / "a.pth")
    run(tmp_path / "a.pth", tmp_path / "model", preset)
    segmenter = load_segmenter(tmp_path / "model")
    assert segmenter.settings.preset == preset
    assert segmenter.recipe.scaling == ("slice" if preset == "reference" else "window")
    assert segmenter.recipe.resized_to == (70 if preset == "reference" else None)
    result = segmenter.with_settings(segmenter.settings.model_copy(update={"probability_gate": 0.0}))(ball_head())
    assert result.map.max() == 1.0
    assert "imported from a.pth" in segmenter.provenance["trained_on"]


def test_logits_survive_the_way_through_a_checkpoint(tmp_path: Path) -> None:
    source = lively(TimmSwin(newer=True))
    torch.save({"state_dict": source.state_dict()}, tmp_path / "a.pth")
    run(tmp_path / "a.pth", tmp_path / "model")
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(
            load_checkpoint(tmp_path / "model").model(pixels), source(pixels), atol=1e-5, rtol=1e-5
        )


def test_a_network_without_a_bleed_output_is_a_checkpoint_that_cannot_segment(tmp_path: Path) -> None:
    torch.save(TimmSwin(5, newer=True).state_dict(), tmp_path / "a.pth")
    run(tmp_path / "a.pth", tmp_path / "model")
    assert json.loads((tmp_path / "model" / "ichnos.json").read_text())["labels"][4] == "output 4"
    with pytest.raises(CheckpointError, match="cannot segment: no output stands for a bleed"):
        load_segmenter(tmp_path / "model")


def test_a_checkpoint_is_not_replaced_unasked(tmp_path: Path) -> None:
    torch.save(TimmSwin(newer=True).state_dict(), tmp_path / "a.pth")
    run(tmp_path / "a.pth", tmp_path / "model")
    with pytest.raises(UsageError, match="holds a checkpoint; give --overwrite"):
        run(tmp_path / "a.pth", tmp_path / "model")
    run(tmp_path / "a.pth", tmp_path / "model", overwrite=True)
    with pytest.raises(UsageError, match="no preset is called 'ichnos'; there are: paper, reference"):
        run(tmp_path / "a.pth", tmp_path / "other", "ichnos")


def test_what_comes_next_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(TimmSwin(newer=True).state_dict(), tmp_path / "a.pth")
    run(tmp_path / "a.pth", tmp_path / "model", quiet=False)
    said = capsys.readouterr().err
    assert "a Swin at 64 pixels with outputs no bleed, bleed" in said
    assert "ichnos segment -m" in said

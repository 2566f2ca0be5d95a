import re
from pathlib import Path

import pytest
from segmentation.stubs import save_stub
from tiny import SETTINGS, tiny_recipe

from ichnos.cli import demo, phantom
from ichnos.phantoms import Phantom, make_phantom
from ichnos.segmentation import bundled


@pytest.fixture(autouse=True)
def small_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The demo's own steps, on the smallest recipe, phantoms and bundled model."""

    def make_small(seed: int, *_: object) -> Phantom:
        return make_phantom(seed, SETTINGS)

    stub = save_stub(tmp_path / "bundled")
    for module in (demo, phantom):
        monkeypatch.setattr(module, "make_phantom", make_small)
    monkeypatch.setattr(bundled, "bundled_checkpoint", lambda: stub)
    monkeypatch.setattr(demo, "load_recipe", lambda _: tiny_recipe())


def test_the_demo_ends_with_masks_pictures_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "demo"
    demo.run_demo(out, overwrite=False, quiet=False)
    for model in ("demo", "bundled"):
        results = out / f"results-{model}-model"
        assert len(list(results.glob("phantom-*/bleed.nii.gz"))) == 4
        assert len(list(results.glob("phantom-*/overlay.png"))) == 4
        assert (results / "volumes.csv").read_text().count("\n") == 5
    said = capsys.readouterr().err
    assert len(re.findall(r"ROC-AUC over 24 slices", said)) == 2
    assert "Phantoms, not patients" in said
    assert "Research use only" in said

    demo.run_demo(out, overwrite=False, quiet=True)  # a second run keeps what is there
    assert "train" not in capsys.readouterr().err.lower()

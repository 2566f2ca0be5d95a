import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from segmentation.stubs import bleeding_head, make_unet_checkpoint, save_stub

from ichnos.cli.explain import ExplainOptions, run_explain
from ichnos.errors import UsageError
from ichnos.models.checkpoint import save_checkpoint
from ichnos.scans import write_nifti


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_stub(tmp_path_factory.mktemp("checkpoint") / "model", bias=-8.0)


def test_maps_lie_on_the_scans_grid(tmp_path: Path, model: Path) -> None:
    write_nifti(bleeding_head(), tmp_path / "ct.nii.gz")
    options = ExplainOptions(
        tmp_path / "ct.nii.gz",
        tmp_path / "out",
        model,
        methods=("hgi-sam", "grad-cam"),
        targets=("bleed", "no bleed"),
        shown=16,
        quiet=True,
    )
    _, code = run_explain(options)
    assert code == 0
    case = tmp_path / "out" / "ct"
    scan = nibabel.load(tmp_path / "ct.nii.gz")
    for name in ("hgi-sam-bleed", "hgi-sam-no-bleed", "grad-cam-bleed", "grad-cam-no-bleed"):
        written = nibabel.load(case / f"{name}.nii.gz")
        assert written.get_data_dtype() == np.float32
        np.testing.assert_array_equal(written.affine, scan.affine)
        assert written.shape == scan.shape
    values = np.asarray(nibabel.load(case / "hgi-sam-bleed.nii.gz").dataobj)
    assert 0.5 < values[:, :, 15].max() <= 1.0
    with Image.open(case / "explanation.png") as picture:
        assert picture.size[0] > 400
    assert 16 in json.loads((tmp_path / "out" / "run.json").read_text())["cases"][0]["slices"]
    with pytest.raises(UsageError, match="is explained already; give --overwrite"):
        run_explain(options)


def test_a_bad_scan_does_not_stop_the_others(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "scans"
    write_nifti(bleeding_head(), folder / "good.nii.gz")
    (folder / "broken.nii.gz").write_bytes(b"nothing")
    run, code = run_explain(ExplainOptions(folder, tmp_path / "out", model))
    assert code == 1
    assert {case["case"]: case["status"] for case in run["cases"]} == {"broken": "failed", "good": "done"}
    assert "Wrote maps, explanation.png and run.json" in capsys.readouterr().err


def test_wrong_usage_stops_the_run(tmp_path: Path, model: Path) -> None:
    write_nifti(bleeding_head(), tmp_path / "ct.nii.gz")
    with pytest.raises(UsageError, match="did you mean 'swin-sam'"):
        run_explain(ExplainOptions(tmp_path / "ct.nii.gz", tmp_path / "out", model, methods=("swinsam",)))


def test_a_segmentation_network_is_not_explained(tmp_path: Path) -> None:
    folder = save_checkpoint(make_unet_checkpoint(), tmp_path / "unet", "a test model")
    write_nifti(bleeding_head(), tmp_path / "ct.nii.gz")
    with pytest.raises(UsageError, match=r"model 'unet' is a segmentation network.*use `ichnos segment`"):
        run_explain(ExplainOptions(tmp_path / "ct.nii.gz", tmp_path / "out", folder, quiet=True))
    assert not (tmp_path / "out").exists()


def test_where_no_model_is_named_the_classifier_explains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_nifti(bleeding_head(), tmp_path / "ct.nii.gz")
    asked: list[object] = []

    def load(model: object, device: str) -> None:
        asked.append(model)
        raise UsageError("enough")

    monkeypatch.setattr("ichnos.cli.explain.load_segmenter", load)
    with pytest.raises(UsageError, match="enough"):
        run_explain(ExplainOptions(tmp_path / "ct.nii.gz", tmp_path / "out", None, quiet=True))
    assert asked == ["phantom-swin-hgi"]

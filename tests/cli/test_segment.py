import csv
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from segmentation.stubs import SEGMENTATION_NETWORK, SETTINGS, bleeding_head, make_unet_checkpoint, save_stub

from ichnos.cli.segment import SegmentOptions, run_segment
from ichnos.errors import ScanNotFoundError, UsageError
from ichnos.models.checkpoint import save_checkpoint
from ichnos.preprocessing.brain_mask import find_brain_mask
from ichnos.scans import read_mask, read_scan, write_dicom_series, write_mask, write_nifti
from ichnos.scans.scan import Mask, Scan
from ichnos.segmentation.segmenter import load_segmenter


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_stub(tmp_path_factory.mktemp("checkpoint") / "model")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """One good NIfTI and one that is no NIfTI."""
    folder = tmp_path / "scans"
    write_nifti(bleeding_head(), folder / "good.nii.gz")
    (folder / "broken.nii.gz").write_bytes(b"nothing")
    return folder


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "volumes.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_one_scan_gives_mask_picture_numbers(tmp_path: Path, model: Path) -> None:
    write_dicom_series(bleeding_head(), tmp_path / "head")
    out = tmp_path / "out"
    run, code = run_segment(SegmentOptions(tmp_path / "head", out, model=model, quiet=True))
    assert code == 0
    case = out / "head"
    mask = read_mask(case / "bleed.nii.gz")
    record = json.loads((case / "segmentation.json").read_text())
    assert record["volume_ml"] == pytest.approx(mask.volume_ml, abs=1e-3)
    np.testing.assert_allclose(record["centroid_ras_mm"], mask.centroid_mm, atol=0.02)
    assert mask.voxels.shape == read_scan(tmp_path / "head").voxels_hu.shape
    with Image.open(case / "overlay.png") as picture:
        assert picture.size[0] > 100
    assert table(out)[0]["volume_ml"] == str(record["volume_ml"])
    assert run["cases"][0]["status"] == "done"
    assert json.loads((out / "run.json").read_text())["versions"]["ichnos"]


def test_the_mask_lies_on_the_inputs_own_grid(tmp_path: Path, model: Path) -> None:
    write_nifti(bleeding_head(), tmp_path / "ct.nii.gz")
    run_segment(SegmentOptions(tmp_path / "ct.nii.gz", tmp_path / "out", model=model, quiet=True))
    scan, mask = nibabel.load(tmp_path / "ct.nii.gz"), nibabel.load(tmp_path / "out" / "ct" / "bleed.nii.gz")
    assert scan.shape == mask.shape
    np.testing.assert_array_equal(scan.affine, mask.affine)


def test_a_bad_case_does_not_stop_the_others(
    scans: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, code = run_segment(SegmentOptions(scans, tmp_path / "out", model=model))
    assert code == 1
    assert {case["case"]: case["status"] for case in run["cases"]} == {"broken": "failed", "good": "done"}
    rows = {row["case"]: row for row in table(tmp_path / "out")}
    assert rows["broken"]["message"]
    assert not rows["broken"]["volume_ml"]
    assert rows["good"]["volume_ml"]
    assert "1 of 2 scans failed" in capsys.readouterr().err


def test_quiet_still_says_why_a_scan_failed(
    scans: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_segment(SegmentOptions(scans / "broken.nii.gz", tmp_path / "out", model=model, quiet=True))
    assert "broken: failed: " in capsys.readouterr().err


def test_an_unexpected_error_is_a_failed_case_too(
    scans: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr("ichnos.cli.segment.write_overlay", explode)
    run, code = run_segment(SegmentOptions(scans / "good.nii.gz", tmp_path / "out", model=model, quiet=True))
    assert code == 1
    assert run["cases"][0]["message"] == "unexpected MemoryError: no room; -v shows where"
    assert not (tmp_path / "out" / "good" / "segmentation.json").exists()


def test_finished_cases_are_kept_and_say_so(scans: Path, tmp_path: Path, model: Path) -> None:
    options = SegmentOptions(scans / "good.nii.gz", tmp_path / "out", model=model, quiet=True)
    first, _ = run_segment(options)
    picture = tmp_path / "out" / "good" / "overlay.png"
    stamp = picture.stat().st_mtime_ns
    again, code = run_segment(options)
    assert (code, again["cases"][0]["status"]) == (0, "kept")
    assert picture.stat().st_mtime_ns == stamp
    assert again["cases"][0]["volume_ml"] == first["cases"][0]["volume_ml"]


def test_results_of_another_model_are_not_mixed_in(scans: Path, tmp_path: Path, model: Path) -> None:
    options = SegmentOptions(scans / "good.nii.gz", tmp_path / "out", model=model, quiet=True)
    run_segment(options)
    other = save_stub(tmp_path / "other", settings=SETTINGS.model_copy(update={"map_threshold": 0.9}))
    changed = SegmentOptions(scans / "good.nii.gz", tmp_path / "out", model=other, quiet=True)
    with pytest.raises(UsageError, match="another model or other settings; give --overwrite"):
        run_segment(changed)
    run, _ = run_segment(SegmentOptions(**{**changed.__dict__, "overwrite": True}))
    assert run["cases"][0]["status"] == "done"


def test_a_csv_list_names_the_cases(scans: Path, tmp_path: Path, model: Path) -> None:
    (scans / "list.csv").write_text("case,scan\nfirst,good.nii.gz\nsecond,broken.nii.gz\n")
    run, _ = run_segment(SegmentOptions(scans / "list.csv", tmp_path / "out", model=model, quiet=True))
    assert [case["case"] for case in run["cases"]] == ["first", "second"]


def test_two_runs_agree_to_the_bit(scans: Path, tmp_path: Path, model: Path) -> None:
    for name in ("a", "b"):
        run_segment(SegmentOptions(scans / "good.nii.gz", tmp_path / name, model=model, quiet=True))
    for file in ("bleed.nii.gz", "overlay.png"):
        assert (tmp_path / "a/good" / file).read_bytes() == (tmp_path / "b/good" / file).read_bytes()


def test_strict_refuses_missing_slices(tmp_path: Path, model: Path) -> None:
    files = write_dicom_series(bleeding_head(), tmp_path / "head")
    files[12].unlink()
    loose, _ = run_segment(SegmentOptions(tmp_path / "head", tmp_path / "loose", model=model, quiet=True))
    assert any("missing" in flag or "gap" in flag for flag in loose["cases"][0]["flags"])
    strict, code = run_segment(
        SegmentOptions(tmp_path / "head", tmp_path / "strict", model=model, strict=True, quiet=True)
    )
    assert code == 1
    assert strict["cases"][0]["status"] == "failed"


def test_nothing_there_is_said(tmp_path: Path, model: Path) -> None:
    with pytest.raises(ScanNotFoundError, match="does not exist"):
        run_segment(SegmentOptions(tmp_path / "nowhere", tmp_path / "out", model=model))


@pytest.mark.slow
def test_the_real_scan_within_time_and_memory(real_data: Path, tmp_path: Path) -> None:
    """28 slices with the bundled model: little bleed invented; peak memory below 2 GB."""
    script = (
        "import resource, sys; from ichnos.cli.app import main\n"
        "try: main()\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    began = time.perf_counter()
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            script,
            "segment",
            "-q",
            "-i",
            str(real_data / "real-head-ct" / "ge-tilted"),
            "-o",
            str(tmp_path / "out"),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    seconds = time.perf_counter() - began
    record = json.loads((tmp_path / "out" / "ge-tilted" / "segmentation.json").read_text())
    assert record["slices"] == 28
    assert record["volume_ml"] < 3.0  # a dense venous sinus is taken for blood
    assert int(result.stderr.split()[-1]) < 2e6  # kB
    assert seconds < 120  # 30 s are asked of two quiet cores; a shared machine gets more
    mask = read_mask(tmp_path / "out" / "ge-tilted" / "bleed.nii.gz")
    np.testing.assert_allclose(mask.geometry.gaps_mm[[0, 13, 26]], [4.0, 1.08, 7.0], atol=0.01)


def test_a_segmentation_network_segments(tmp_path: Path) -> None:
    folder = save_checkpoint(make_unet_checkpoint(), tmp_path / "unet", "a test model")
    write_nifti(bleeding_head(), tmp_path / "ct.nii.gz")
    _, code = run_segment(SegmentOptions(tmp_path / "ct.nii.gz", tmp_path / "out", model=folder, quiet=True))
    assert code == 0
    scan = read_scan(tmp_path / "ct.nii.gz")
    mask, expected = read_mask(tmp_path / "out" / "ct" / "bleed.nii.gz"), load_segmenter(folder, "cpu")(scan)
    np.testing.assert_array_equal(mask.voxels, expected.bleed_mask.voxels)
    record = json.loads((tmp_path / "out" / "ct" / "segmentation.json").read_text())
    np.testing.assert_allclose(record["slice_probabilities"], expected.slice_probabilities, atol=1e-4)
    assert (tmp_path / "out" / "ct" / "overlay.png").stat().st_size > 1000


def test_subtypes_are_told_in_mask_json_table_and_page(tmp_path: Path) -> None:
    settings = SEGMENTATION_NETWORK.model_copy(update={"map_threshold": 0.4})
    folder = save_checkpoint(make_unet_checkpoint(6, settings), tmp_path / "unet", "a test model")
    write_nifti(bleeding_head(), tmp_path / "ct.nii.gz")
    run_segment(SegmentOptions(tmp_path / "ct.nii.gz", tmp_path / "out", model=folder, quiet=True))
    case = tmp_path / "out" / "ct"
    record = json.loads((case / "segmentation.json").read_text())
    numbers = np.asarray(nibabel.load(case / "subtypes.nii.gz").dataobj)
    np.testing.assert_array_equal(numbers > 0, np.asarray(nibabel.load(case / "bleed.nii.gz").dataobj) > 0)
    geometry = read_scan(tmp_path / "ct.nii.gz").geometry
    for name, number in record["subtype_numbers"].items():
        assert record["subtypes_ml"][name] == pytest.approx((numbers == number).sum() * geometry.voxel_volumes_ml[0])
        assert table(tmp_path / "out")[0][f"{name}_ml"] == str(record["subtypes_ml"][name])
    assert "Volume by subtype" in (case / "report.html").read_text()


def test_a_classifier_invents_no_subtypes(tmp_path: Path, model: Path) -> None:
    write_nifti(bleeding_head(), tmp_path / "ct.nii.gz")
    run, _ = run_segment(SegmentOptions(tmp_path / "ct.nii.gz", tmp_path / "out", model=model, quiet=True))
    assert not (tmp_path / "out" / "ct" / "subtypes.nii.gz").exists()
    assert run["cases"][0]["subtypes_ml"] == {}
    assert table(tmp_path / "out")[0]["epidural_ml"] == ""


def test_masks_among_scans_are_skipped_and_said(scans: Path, tmp_path: Path, model: Path) -> None:
    (scans / "broken.nii.gz").unlink()
    run_segment(SegmentOptions(scans, tmp_path / "first", model=model, quiet=True))
    (tmp_path / "first" / "good" / "bleed.nii.gz").rename(scans / "good-mask.nii.gz")
    run, code = run_segment(SegmentOptions(scans, tmp_path / "out", model=model, quiet=True))
    assert code == 0
    assert {case["case"]: case["status"] for case in run["cases"]} == {"good": "done", "good-mask": "skipped"}
    assert "whole numbers from 0 to 1 only: a mask, not a scan" in run["cases"][0]["message"]
    _, alone = run_segment(SegmentOptions(scans / "good-mask.nii.gz", tmp_path / "alone", model=model, quiet=True))
    assert alone == 1


def test_the_truth_of_phantoms_is_left_out(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_nifti(bleeding_head(), tmp_path / "made" / "scans" / "a.nii.gz")
    (tmp_path / "made" / "truth" / "a").mkdir(parents=True)
    write_nifti(bleeding_head(), tmp_path / "made" / "truth" / "a" / "bleed.nii.gz")
    run, code = run_segment(SegmentOptions(tmp_path / "made", tmp_path / "out", model=model))
    assert (code, [case["case"] for case in run["cases"]]) == (0, ["a"])
    assert "truth holds no scans and is left out" in capsys.readouterr().err


def test_what_is_no_head_ends_well_with_a_flag(tmp_path: Path) -> None:
    folder = save_checkpoint(make_unet_checkpoint(), tmp_path / "unet", "a test model")
    head = bleeding_head()
    write_nifti(Scan(np.full_like(head.voxels_hu, -1000.0), head.geometry), tmp_path / "air.nii.gz")
    run, code = run_segment(SegmentOptions(tmp_path / "air.nii.gz", tmp_path / "out", model=folder, quiet=True))
    assert code == 0
    assert run["cases"][0]["volume_ml"] == 0.0
    assert any("is this a head CT?" in flag for flag in run["cases"][0]["flags"])


def test_the_users_own_intracranial_mask_bounds_the_bleed(tmp_path: Path, model: Path) -> None:
    scan = bleeding_head()
    write_nifti(scan, tmp_path / "scans" / "ct.nii.gz")
    lower = find_brain_mask(scan).mask.voxels.copy()
    lower[len(lower) // 2 :] = False
    write_mask(Mask(lower, scan.geometry), tmp_path / "drawn" / "ct.nii.gz")
    asked = SegmentOptions(
        tmp_path / "scans", tmp_path / "out", model=model, quiet=True, brain_mask=str(tmp_path / "drawn")
    )
    _, code = run_segment(asked)
    assert code == 0
    assert np.array_equal(read_mask(tmp_path / "out" / "ct" / "brain.nii.gz").voxels, lower)
    bleed = read_mask(tmp_path / "out" / "ct" / "bleed.nii.gz").voxels
    assert bleed.any()
    assert not (bleed & ~lower).any()
    with pytest.raises(UsageError, match="another model or other settings"):
        run_segment(replace(asked, brain_mask="classical"))


def test_a_case_without_a_drawn_mask_fails_alone(tmp_path: Path, model: Path) -> None:
    write_nifti(bleeding_head(), tmp_path / "scans" / "ct.nii.gz")
    (tmp_path / "drawn").mkdir()
    run, code = run_segment(
        SegmentOptions(
            tmp_path / "scans", tmp_path / "out", model=model, quiet=True, brain_mask=str(tmp_path / "drawn")
        )
    )
    assert code == 1
    assert "no intracranial mask of ct" in run["cases"][0]["message"]


def test_an_unknown_way_to_mask_the_brain_is_refused(tmp_path: Path, model: Path, scans: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'classical'"):
        run_segment(SegmentOptions(scans, tmp_path / "out", model=model, quiet=True, brain_mask="classic"))

import json

import numpy as np
import pytest
from tiny import box_scan

from ichnos.evaluation.evidence import real_scans
from ichnos.evaluation.evidence.real_scans import list_scans, look_at_scans, read_findings, tell_real
from ichnos.scans.nifti_writer import save_nifti


@pytest.fixture
def folder(tmp_path):
    """Two scans, the first with 8 dense voxels."""
    root = tmp_path / "scans"
    root.mkdir()
    scan = box_scan((3, 16, 16), (5.0, 2.0, 1.0), hu=30.0)
    scan.voxels_hu[:, 0, 0], scan.voxels_hu[:, 0, 1] = -1000.0, 900.0  # as in any head CT
    hu = scan.voxels_hu.copy()
    hu[1, 2:4, 2:6] = 70.0
    save_nifti(hu.astype(np.int16), scan.geometry, scan.source, root / "a.nii.gz")
    save_nifti(scan.voxels_hu.astype(np.int16), scan.geometry, scan.source, root / "b.nii.gz")
    return root


def test_what_is_called_blood_is_measured_and_kept(dense, monkeypatch, folder, tmp_path):
    monkeypatch.setattr(real_scans, "load_judged_models", lambda *_: {"m": dense(60.0)})
    own = tmp_path / "own"
    own.mkdir()
    figures = look_at_scans(own, {}, {"folder": str(folder), "models": {}, "device": "cpu"})
    assert figures["scans"] == 2
    first, second = read_findings(own)
    assert (first.scan, first.model, first.slices, first.slices_called) == (1, "m", 3, 1)
    assert first.volume_ml == pytest.approx(0.08)
    assert second.volume_ml == 0.0
    with np.load(own / "masks.npz") as arrays:
        assert np.count_nonzero(arrays["mask-1-0"]) == 8
        assert not arrays["mask-2-0"].any()
    assert "a.nii" not in json.dumps(json.loads((own / "findings.json").read_text()))
    (table,) = tell_real([first, second]).tables
    assert table.rows[0][:4] == ("m", "1", "0.1", "1 of 3")


def test_a_folder_of_one_series_is_one_scan(folder, tmp_path):
    series = tmp_path / "series"
    series.mkdir()
    (series / "1.dcm").touch()
    assert list_scans(series) == [series]
    assert [path.name for path in list_scans(folder)] == ["a.nii.gz", "b.nii.gz"]
    assert list_scans(folder / "a.nii.gz") == [folder / "a.nii.gz"]

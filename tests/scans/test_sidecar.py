import json

import numpy as np
import pytest

from ichnos.errors import GeometryError
from ichnos.scans.sidecar import ORIGINS_KEY, read_sidecar, sidecar_path, write_sidecar

AFFINE = np.array([[-1.0, 0, 0, 9], [0, -1, 0, 8], [0, 0, 5, 7], [0, 0, 0, 1]])
ORIGINS = np.array([[9.0, 8, 7], [9, 8, 8.1], [9, 8, 17]])


@pytest.mark.parametrize("name", ["x.y.nii", "x.y.nii.gz"])
def test_path(tmp_path, name):
    assert sidecar_path(tmp_path / name) == tmp_path / "x.y.json"


def test_round_trip_is_exact(tmp_path):
    path = tmp_path / "x.nii"
    origins = ORIGINS + np.array([0, 1e-9, 0])[:, None]
    write_sidecar(path, origins)
    np.testing.assert_array_equal(read_sidecar(path, AFFINE, 3), origins)
    assert "not evenly spaced" in (tmp_path / "x.json").read_text()


def test_nothing_beside(tmp_path):
    assert read_sidecar(tmp_path / "x.nii", AFFINE, 3) is None


def test_stale_positions_are_taken_away(tmp_path):
    path = tmp_path / "x.nii"
    write_sidecar(path, ORIGINS)
    write_sidecar(path, None)
    assert not sidecar_path(path).exists()


def test_other_keys_are_kept(tmp_path):
    path = tmp_path / "x.nii"
    sidecar_path(path).write_text('{"Modality": "CT"}')
    write_sidecar(path, ORIGINS)
    assert json.loads(sidecar_path(path).read_text())["Modality"] == "CT"
    write_sidecar(path, None)
    assert json.loads(sidecar_path(path).read_text()) == {"Modality": "CT"}
    assert read_sidecar(path, AFFINE, 3) is None


@pytest.mark.parametrize("content", ["[1, 2]", '{"Modality": "CT"}'])
def test_json_without_positions_is_not_ours(tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    assert read_sidecar(tmp_path / "x.nii", AFFINE, 3) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "x.json: cannot be read as JSON .*; repair or remove it"),
        ({ORIGINS_KEY: "here"}, "is not a list of three numbers a slice"),
        ({ORIGINS_KEY: [[1, 2, 3], [4]]}, "is not a list of three numbers a slice"),
        ({ORIGINS_KEY: ORIGINS[:2].tolist()}, r"has shape \(2, 3\), but x.nii has 3 slices; put back"),
        ({ORIGINS_KEY: (ORIGINS * np.nan).tolist()}, r"has shape \(3, 3\), but"),
        (
            {ORIGINS_KEY: (ORIGINS + np.array([0, 0, 2])).tolist()},
            "lies 2.00 mm off the affine of x.nii; the image was changed",
        ),
    ],
)
def test_what_disagrees_is_refused(tmp_path, content, message):
    (tmp_path / "x.json").write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(GeometryError, match=message):
        read_sidecar(tmp_path / "x.nii", AFFINE, 3)

import json
from pathlib import Path

import pytest

from ichnos.cohorts.readers.nnunet_json import read_dataset_json
from ichnos.errors import CohortError

V2 = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "SDH": 1}, "numTraining": 2, "file_ending": ".nii"}


def read(tmp_path, content, **changes):
    path = tmp_path / "dataset.json"
    merged = {key: value for key, value in (content | changes).items() if value is not None}
    path.write_text(json.dumps(merged))
    return read_dataset_json(path)


def test_version_two(tmp_path):
    told = read(tmp_path, V2, licence="CC0")
    assert (told.classes, told.ending, told.training, told.licence) == ({1: "subdural"}, ".nii", 2, "CC0")
    assert told.listed == {}


def test_the_decathlon(tmp_path):
    content = {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "IVH", "2": "SAH"}, "numTraining": 7}
    told = read(tmp_path, content)
    assert (told.classes, told.ending) == ({1: "intraventricular", 2: "subarachnoid"}, ".nii.gz")


def test_regions_and_ignored_voxels(tmp_path):
    told = read(tmp_path, V2, labels={"Background": 0, "whole": [1, 2], "edh": [2], "Ignore": 3})
    assert told.classes == {1: "any", 2: "epidural"}
    assert "class 3 (`ignore`)" in told.notes[0]


def test_listed_files(tmp_path):
    told = read(tmp_path, V2, dataset={"c": {"images": ["a/x.nii"], "label": "b/y.nii"}, "d": {"images": ["/abs.nii"]}})
    assert told.listed == {"c": (tmp_path / "a/x.nii", tmp_path / "b/y.nii"), "d": (Path("/abs.nii"), None)}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"channel_names": {"0": "T1"}}, "channels are T1; only one channel of CT"),
        ({"channel_names": {"0": "CT", "1": "CT"}}, "channels are CT, CT"),
        ({"channel_names": None}, "has no channel_names"),
        ({"labels": None}, "has no labels"),
        ({"labels": {"background": 1, "SDH": 2}}, "0 must be the background"),
        ({"labels": {"SDH": 1}}, "0 must be the background and nothing else; it is not told"),
        ({"labels": {"background": 0, "SDH": "many"}}, "label 'SDH' is 'many'"),
        ({"labels": {"background": 0, "liver": 1}}, "class 'liver' is no kind of bleed"),
        ({"file_ending": ".png"}, "file_ending is '.png'"),
        ({"dataset": {"c": {"images": ["a", "b"]}}}, "case 'c' does not list one image"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, changes, problem):
    with pytest.raises(CohortError, match=problem):
        read(tmp_path, V2, **changes)


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_no_json_is_one_line(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(CohortError, match=r"dataset\.json: "):
        read_dataset_json(tmp_path / "dataset.json")

from pathlib import Path

import pytest

from ichnos.cohorts.readers.layout import (
    by_key,
    case_key,
    check_case_name,
    find_folder,
    list_nifti,
    nifti_stem,
    places_around,
    subfolders,
    visible,
)
from ichnos.errors import CohortError


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_junk_is_not_seen(tmp_path):
    touch(tmp_path, "b.nii", "a.nii.gz", "._a.nii.gz", ".DS_Store", "__MACOSX/a.nii", "Thumbs.db")
    assert [path.name for path in visible(tmp_path)] == ["a.nii.gz", "b.nii"]


def test_folders_are_found_whatever_their_capitals(tmp_path):
    touch(tmp_path, "Data/x", "label")
    assert find_folder(tmp_path, ["images", "data"]) == tmp_path / "Data"
    assert find_folder(tmp_path, ["label"]) is None, "a file is no folder"
    touch(tmp_path, "DATA/x")
    with pytest.raises(CohortError, match="holds DATA and Data"):
        find_folder(tmp_path, ["data"])


def test_subfolders_are_sorted_and_links_are_followed(tmp_path):
    touch(tmp_path, "b/x", "a/x", ".git/x", "__MACOSX/x", "file")
    (tmp_path / "c").symlink_to(tmp_path / "a")
    assert [folder.name for folder in subfolders(tmp_path)] == ["a", "b", "c"]
    with pytest.raises(CohortError, match="cannot be listed"):
        subfolders(tmp_path / "gone")


def test_places_around_a_root(tmp_path):
    touch(tmp_path, "a/b/c/x", "._d/x")
    assert places_around(tmp_path / "a") == [tmp_path / "a", tmp_path / "a/b", tmp_path / "a/b/c"]


def test_other_files_are_told(tmp_path):
    touch(tmp_path, "a.nii", "b.NII.GZ", "readme.txt", "folder/x.nii")
    (tmp_path / "c.nii").symlink_to(tmp_path / "gone.nii")
    files, others = list_nifti(tmp_path)
    assert [file.name for file in files] == ["a.nii", "b.NII.GZ"]
    assert [(Path(other.name).name, other.reason) for other in others] == [
        ("readme.txt", "not a NIfTI file"),
        ("c.nii", "a link to nothing"),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("007.nii", "7.nii.gz"),
        ("049.nii", "049_mask.nii"),
        ("ID_ab_ID_cd.nii.gz", "id_AB_id_cd_0000.nii.gz"),
        ("x_image.nii", "x_label.nii"),
    ],
)
def test_files_of_one_case_share_a_key(one, other):
    assert case_key(Path(one)) == case_key(Path(other))


@pytest.mark.parametrize(("one", "other"), [("case_10.nii", "case_1.nii"), ("10.nii", "1.nii"), ("a1.nii", "a01.nii")])
def test_files_of_two_cases_do_not(one, other):
    assert case_key(Path(one)) != case_key(Path(other))


def test_two_files_of_one_case_are_refused():
    with pytest.raises(CohortError, match=r"1\.nii and 01\.nii\.gz stand for the same case"):
        by_key([Path("1.nii"), Path("01.nii.gz")])


def test_stem_of_either_ending():
    assert nifti_stem(Path("a.b.NII.gz")) == nifti_stem(Path("a.b.nii")) == "a.b"


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "a\nb", "a:b"])
def test_names_that_cannot_be_folders_are_refused(name):
    with pytest.raises(CohortError, match="table line 2: case"):
        check_case_name(name, "table line 2")
    assert check_case_name("a-1.b_c", "") == "a-1.b_c"

import os
import shutil
import zipfile
from pathlib import Path

import pytest
from scans.dicom_files import ct_slice, save, uid

from ichnos.errors import ScanNotFoundError, UsageError
from ichnos.scans.listing import ListedScan, case_name, list_scans


def dicom(folder, study="study", **changes):
    """One DICOM slice of a study in a folder."""
    return save(ct_slice(StudyInstanceUID=uid(study), **changes), folder / "slice-1")


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def listed(path):
    """(case, path below `path`) of each scan."""
    scans = list_scans(path)
    folder = path if path.is_dir() else path.parent
    return [(scan.case, scan.path.relative_to(folder).as_posix()) for scan in scans]


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("a.nii.gz", "a"),
        ("a.NII.GZ", "a"),
        ("a.b.nii", "a.b"),
        ("a.zip", "a"),
        ("a.dcm", "a"),
        ("IM0001", "IM0001"),
        ("a.txt", "a.txt"),
    ],
)
def test_a_file_is_one_scan_named_without_its_ending(tmp_path, name, case):
    path = touch(tmp_path / name)
    assert list_scans(path) == [ListedScan(case, path)]


def test_a_folder_keeps_its_whole_name(tmp_path):
    (tmp_path / "case.zip").mkdir()
    assert case_name(tmp_path / "case.zip") == "case.zip"


def test_a_link_keeps_its_own_name(tmp_path):
    stored = touch(tmp_path / "store" / "sha256-1234")
    link = tmp_path / "case-1.nii.gz"
    link.symlink_to(stored)
    assert case_name(link) == "case-1"


def test_a_folder_named_by_dots_gets_its_real_name(tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    assert case_name(Path()) == "inner"
    assert case_name(Path("..")) == tmp_path.name


def test_nifti_files_and_zips_of_a_folder_are_one_scan_each(tmp_path):
    for name in ("b.nii", "a.nii.gz", "c.zip", "notes.txt", ".hidden.nii", "__MACOSX.zip"):
        touch(tmp_path / name)
    dicom(tmp_path / "series")
    assert listed(tmp_path) == [("a", "a.nii.gz"), ("b", "b.nii"), ("c", "c.zip")]


def test_a_dicom_series_is_one_scan(tmp_path):
    dicom(tmp_path / "ct")
    dicom(tmp_path / "ct", z=5.0)
    assert list_scans(tmp_path / "ct") == [ListedScan("ct", tmp_path / "ct")]


def test_subfolders_of_one_study_are_one_scan(tmp_path):
    dicom(tmp_path / "ct" / "bone", series="1")
    dicom(tmp_path / "ct" / "soft", series="2")
    touch(tmp_path / "ct" / "report" / "report.pdf")
    assert list_scans(tmp_path / "ct") == [ListedScan("ct", tmp_path / "ct")]


def test_subfolders_of_different_studies_are_one_scan_each(tmp_path):
    dicom(tmp_path / "ben" / "deep" / "er", "study of ben")
    dicom(tmp_path / "ann", "study of ann")
    touch(tmp_path / "documents" / "consent.pdf")
    touch(tmp_path / "readme.txt")
    assert listed(tmp_path) == [("ann", "ann"), ("ben", "ben")]


def test_a_study_is_known_by_a_file_without_preamble(tmp_path):
    for name in ("ann", "ben"):
        path = dicom(tmp_path / name, f"study of {name}")
        path.write_bytes(path.read_bytes()[132:])
    assert listed(tmp_path) == [("ann", "ann"), ("ben", "ben")]


def test_broken_files_beside_a_study_are_passed_over(tmp_path):
    for name in ("ann", "ben"):
        dicom(tmp_path / name, f"study of {name}")
        (tmp_path / name / "a-broken").write_bytes(b"\0" * 128 + b"DICM\x02\x00")
    assert listed(tmp_path) == [("ann", "ann"), ("ben", "ben")]


def test_patients_of_a_study_without_uid_are_kept_apart(tmp_path):
    for name in ("ann", "ben"):
        save(ct_slice(StudyInstanceUID=None), tmp_path / name / "slice-1")
    assert listed(tmp_path) == [("ann", "ann"), ("ben", "ben")]


@pytest.mark.parametrize("file", ["ct.nii.gz", "ct.nii", "ct.zip"])
def test_subfolders_with_one_file_each_name_it(tmp_path, file):
    touch(tmp_path / "ann" / file)
    touch(tmp_path / "ben" / file)
    assert listed(tmp_path) == [("ann", f"ann/{file}"), ("ben", f"ben/{file}")]


def test_subfolders_with_several_nifti_files_list_them_all(tmp_path):
    for name in ("ann/a1.nii", "ann/a2.nii", "ben/b1.nii"):
        touch(tmp_path / name)
    assert listed(tmp_path) == [("a1", "ann/a1.nii"), ("a2", "ann/a2.nii"), ("ben", "ben/b1.nii")]


def test_a_lone_subfolder_is_looked_into(tmp_path):
    dicom(tmp_path / "export" / "ann", "study of ann")
    dicom(tmp_path / "export" / "ben", "study of ben")
    assert listed(tmp_path) == [("ann", "export/ann"), ("ben", "export/ben")]


def test_a_lone_series_deep_down_is_named_by_the_folder_given(tmp_path):
    dicom(tmp_path / "case-7" / "study" / "series")
    assert [scan.case for scan in list_scans(tmp_path / "case-7")] == ["case-7"]


def test_a_lone_nifti_deep_down_is_found(tmp_path):
    touch(tmp_path / "case-7" / "ct" / "1.nii.gz")
    assert listed(tmp_path / "case-7") == [("case-7", "ct/1.nii.gz")]


def test_an_empty_folder_is_left_to_the_reader(tmp_path):
    assert list_scans(tmp_path) == [ListedScan(tmp_path.name, tmp_path)]


def test_nothing_there_is_refused(tmp_path):
    with pytest.raises(ScanNotFoundError, match=r"no such place does not exist; check the path given with -i$"):
        list_scans(tmp_path / "no such place")


def test_a_folder_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ScanNotFoundError, match=r": no permission to read it; ask for access or copy it elsewhere$"):
        list_scans(tmp_path)


@pytest.fixture
def write_csv(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "list.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_a_csv_names_scans_from_its_own_folder(tmp_path, write_csv):
    path = write_csv(f"scan,age\na.nii.gz,3\nsub/b,4\n{os.sep}far{os.sep}c.zip,5\n")
    touch(tmp_path / "a.nii.gz")
    assert list_scans(path) == [
        ListedScan("a", tmp_path / "a.nii.gz"),
        ListedScan("b", tmp_path / "sub" / "b"),
        ListedScan("c.zip", Path("/far/c.zip")),
    ]


def test_a_csv_may_name_its_cases(tmp_path, write_csv):
    path = write_csv("case,scan\nann, x.nii \n  ,y.nii\n")
    assert list_scans(path) == [ListedScan("ann", tmp_path / "x.nii"), ListedScan("y.nii", tmp_path / "y.nii")]


def test_rows_without_a_scan_are_passed_over(write_csv):
    assert [scan.case for scan in list_scans(write_csv("case,scan\na,1\nb,\nc\n\nd,2\n"))] == ["a", "d"]


def test_a_csv_from_a_spreadsheet_is_read(write_csv):
    assert [scan.case for scan in list_scans(write_csv("case,scan\r\nä,1\r\n", "utf-8-sig"))] == ["ä"]


@pytest.mark.parametrize(
    ("text", "columns"), [("case,path\na,b\n", "case, path"), ("case;scan\na;b\n", "case;scan"), ("", "none")]
)
def test_a_csv_without_the_column_is_refused(write_csv, text, columns):
    with pytest.raises(
        UsageError, match=rf"list.csv needs a column `scan` with one path a row; its columns are: {columns}$"
    ):
        list_scans(write_csv(text))


@pytest.mark.parametrize("text", ["scan\n", "case,scan\na,\n"])
def test_a_csv_without_scans_is_refused(write_csv, text):
    with pytest.raises(ScanNotFoundError, match=r"list.csv lists no scan; give one path a row in its column `scan`$"):
        list_scans(write_csv(text))


def test_a_csv_in_another_encoding_is_refused(write_csv):
    with pytest.raises(UsageError, match=r"list.csv cannot be read as CSV in UTF-8: .*codec"):
        list_scans(write_csv("case,scan\nä,b\n", "latin-1"))


@pytest.mark.parametrize("name", ["../out", "a/b", "a\\b", ".", ".."])
def test_a_case_that_would_leave_the_results_folder_is_refused(write_csv, name):
    with pytest.raises(UsageError, match=r"cannot name a folder of results; leave out / and \\$"):
        list_scans(write_csv(f"case,scan\n{name},1.nii\n"))


def test_two_cases_of_one_name_are_refused(tmp_path, write_csv):
    with pytest.raises(
        UsageError,
        match=r"list.csv: 2 case names stand for several scans \(a, b\); list them in a CSV with columns case,scan$",
    ):
        list_scans(write_csv("case,scan\na,1\nb,2\na,3\nb,4\nc,5\n"))


def test_one_name_with_two_endings_is_refused(tmp_path):
    touch(tmp_path / "a.nii")
    touch(tmp_path / "a.zip")
    with pytest.raises(UsageError, match=r"1 case names stand for several scans \(a\)"):
        list_scans(tmp_path)


def test_a_folder_called_csv_is_a_folder(tmp_path):
    dicom(tmp_path / "export.csv")
    assert list_scans(tmp_path / "export.csv") == [ListedScan("export.csv", tmp_path / "export.csv")]


def test_what_is_listed_can_be_read(tmp_path):
    """Each kind of entry once, through the reader."""
    import nibabel
    import numpy as np

    from ichnos.scans.read import read_scan

    hu = np.random.default_rng(0).integers(-1000, 900, (8, 8, 4)).astype(np.int16)
    (tmp_path / "all" / "nifti").mkdir(parents=True)
    nibabel.save(nibabel.Nifti1Image(hu, np.diag([-1.0, -1.0, 5.0, 1.0])), tmp_path / "all" / "nifti" / "ct.nii")
    for z in (0.0, 5.0):
        save(ct_slice(z=z), tmp_path / "all" / "dicom" / f"{z}")
    (tmp_path / "all" / "zip").mkdir()
    with zipfile.ZipFile(tmp_path / "all" / "zip" / "ct.zip", "w") as archive:
        for file in (tmp_path / "all" / "dicom").iterdir():
            archive.write(file, file.name)
    scans = {scan.case: read_scan(scan.path).voxels_hu.shape[0] for scan in list_scans(tmp_path / "all")}
    assert scans == {"dicom": 2, "nifti": 4, "zip": 2}
    shutil.rmtree(tmp_path / "all")


def test_a_folder_of_phantoms_holds_its_scans(tmp_path):
    touch(tmp_path / "scans" / "a.nii.gz")
    touch(tmp_path / "scans" / "b.nii.gz")
    touch(tmp_path / "truth" / "a" / "bleed.nii.gz")
    assert listed(tmp_path) == [("a", "scans/a.nii.gz"), ("b", "scans/b.nii.gz")]

import numpy as np
import pytest
from cohorts.miniatures import class_map, head_hu, save_nifti, write_csv
from cohorts.nifti_miniatures import write_folder
from scans.dicom_files import expected_hu, save_series

from ichnos.cohorts.readers.folder import open_folder
from ichnos.errors import CohortError, GeometryError, UsageError


@pytest.fixture
def table(tmp_path):
    return write_folder(tmp_path)


def listed(tmp_path, header, *rows):
    """A cohort of one NIfTI scan `a.nii` and a table."""
    save_nifti(tmp_path / "a.nii", head_hu())
    return write_csv(tmp_path / "cohort.csv", header, *rows)


def test_rows_become_cases(table):
    cohort = open_folder(table)
    assert [(case.case, case.patient, case.hints) for case in cohort.cases] == [
        ("b-1", "p2", {"split": "test"}),
        ("c", "c", {}),
        ("dicom", "p1", {"split": "train"}),
    ]
    assert [case.scan_labels for case in cohort.cases] == [{"any": True}, {}, {"any": False}]
    assert cohort.licence == "CC0"
    assert cohort.notes == (
        "columns that mean nothing here were passed over: remark",
        "1 row(s) tell no patient; each is taken as a patient",
    )
    assert [(one.name.rpartition("/")[2], one.reason) for one in cohort.skipped] == [
        ("cohort.csv line 5", "column scan: no file or folder scans/gone.nii")
    ]


def test_a_folder_with_one_csv_is_enough(table, tmp_path):
    assert open_folder(tmp_path).cases == open_folder(table).cases
    write_csv(tmp_path / "second.csv", "scan")
    with pytest.raises(CohortError, match="holds 2 CSV files"):
        open_folder(tmp_path)


def test_masks_and_brain_mask(table):
    cohort = open_folder(table)
    loaded = cohort.load(cohort.cases[0])
    np.testing.assert_array_equal(loaded.bleed_masks["any"], class_map() > 0)
    np.testing.assert_array_equal(loaded.brain_mask, head_hu(seed=1) < 100)
    assert loaded.slice_labels[:, 0].tolist() == [0, 1, 1, 1, 0]
    assert sorted(cohort.cases[0].masks) == ["Ann", "Bob"]
    with pytest.raises(UsageError, match="there are: Ann, Bob"):
        open_folder(table, rater="Eve")


def test_labels_by_z_count_from_the_feet(table):
    cohort = open_folder(table)
    labels = cohort.load(cohort.cases[1]).slice_labels
    assert labels[:, 0].tolist() == [0, -1, 0, -1, 1]
    assert labels[:, 5].tolist() == [0, -1, 0, -1, 1]
    assert labels[4, 1:5].tolist() == [-1] * 4


def test_a_scan_without_bleed_labels_its_slices(table):
    cohort = open_folder(table)
    loaded = cohort.load(cohort.cases[2])
    np.testing.assert_array_equal(loaded.scan.voxels_hu, expected_hu())
    assert (loaded.slice_labels == 0).all()


def test_labels_by_identifier(tmp_path):
    import pydicom

    paths = save_series(tmp_path / "ct", (0, 5, 10))
    uids = [pydicom.dcmread(path).SOPInstanceUID for path in paths]
    write_csv(tmp_path / "labels.csv", "instance_uid,any,epidural", f"{uids[2]},1,1", f"{uids[0]},0,0")
    cohort = open_folder(write_csv(tmp_path / "cohort.csv", "scan,slice_labels", "ct,labels.csv"))
    assert cohort.load(cohort.cases[0]).slice_labels[:, 1].tolist() == [0, -1, 1]


def test_one_identifier_of_several_slices_labels_none(tmp_path):
    save_series(tmp_path / "ct", (0, 5, 10), SOPInstanceUID="1.2.3")
    write_csv(tmp_path / "labels.csv", "instance_uid,any", "1.2.3,1")
    cohort = open_folder(write_csv(tmp_path / "cohort.csv", "scan,slice_labels", "ct,labels.csv"))
    with pytest.raises(GeometryError, match="ct: two slices have one SOPInstanceUID; label them by z"):
        cohort.load(cohort.cases[0])


def test_one_table_of_labels_for_several_cases(tmp_path):
    save_nifti(tmp_path / "b.nii", head_hu(seed=2))
    write_csv(tmp_path / "labels.txt", "case,z,any", "a,0,1", "b,0,0", "b,1.0,1")
    cohort = open_folder(listed(tmp_path, "scan,slice_labels", "a.nii,labels.txt", "b.nii,labels.txt"))
    assert [cohort.load(case).slice_labels[:2, 0].tolist() for case in cohort.cases] == [[1, -1], [0, 1]]


@pytest.mark.parametrize(("key", "rest"), [("5,1", "z counts from 0"), ("1.2.3.4,1", "and 0 SOPInstanceUIDs")])
def test_labels_of_slices_that_are_not_there_refuse_the_scan(tmp_path, key, rest):
    write_csv(tmp_path / "labels.csv", "z,any" if key[1] == "," else "instance_uid,any", key)
    cohort = open_folder(listed(tmp_path, "scan,slice_labels", "a.nii,labels.csv"))
    with pytest.raises(GeometryError, match=f"slice label.* have no slice.*{rest}"):
        cohort.load(cohort.cases[0])


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (["z", "0"], "needs a column z or instance_uid, and one of any"),
        (["slice,any", "0,1"], "needs a column z or instance_uid"),
        (["z,any", "first,1"], r"labels\.csv line 2, column z: 'first' is no slice number"),
        (["z,any", "0,maybe"], r"labels\.csv line 2, column any: 'maybe'"),
        (["z,any", "0,1", "00,0"], r"labels\.csv line 3, column z: slice 0 stands there twice"),
        (["z,any"], "has no row for case a"),
        (["case,z,any", "other,0,1"], "has no row for case a"),
        (["instance_uid,any", "17,1"], "'17' is no SOPInstanceUID"),
    ],
)
def test_broken_tables_of_labels_are_refused(tmp_path, rows, problem):
    write_csv(tmp_path / "labels.csv", *rows)
    with pytest.raises(CohortError, match=problem):
        open_folder(listed(tmp_path, "scan,slice_labels", "a.nii,labels.csv"))


@pytest.mark.parametrize(
    ("header", "rows", "problem"),
    [
        ("path", ["a.nii"], "has no column scan"),
        ("scan,subdurall", ["a.nii,1"], "column 'subdurall' is not known; did you mean 'subdural'"),
        ("scan,masks", ["a.nii,"], "did you mean 'mask'"),
        ("scan,any", ["a.nii,2"], r"line 2, column any: '2' is neither yes nor no"),
        ("scan,case", ["a.nii,../a"], r"line 2: case '\.\./a' cannot name a folder"),
        ("scan,any", [",1"], "line 2, column scan: is empty"),
        ("scan,case", ["a.nii,x", "cohort.csv,x"], r"line 3, column case: 'x' is another row's too"),
        ("scan,case", ["a.nii,x", "./a.nii,y"], r"line 3, column scan: .* is the scan of .*line 2 too"),
        ("scan,mask", ["a.nii,cohort.csv"], r"line 2, column mask: 'cohort\.csv' is no NIfTI file"),
        ("scan,brain_mask", ["a.nii,."], r"line 2, column brain_mask: '\.' is no NIfTI file"),
        ("scan", [], "lists no scan that is there: it has no rows"),
        ("scan", ["x.nii"], r"lists no scan that is there: .*line 2, column scan: no file or folder x\.nii"),
    ],
)
def test_every_mistake_names_its_row_and_column(tmp_path, header, rows, problem):
    with pytest.raises(CohortError, match=problem) as error:
        open_folder(listed(tmp_path, header, *rows))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("one", "other"), [("49", "049"), ("49", "49.0"), ("P-1", "p-1")])
def test_one_patient_written_in_two_ways_is_refused(tmp_path, one, other):
    save_nifti(tmp_path / "b.nii", head_hu(seed=1))
    with pytest.raises(CohortError, match=f"line 3, column patient: '{other}' and '{one}' look like one patient"):
        open_folder(listed(tmp_path, "scan,patient", f"a.nii,{one}", f"b.nii,{other}"))


def test_places_count_from_the_folder_of_the_csv(table, tmp_path):
    assert open_folder(table).root == tmp_path


def test_a_lost_mask_leaves_its_row_out(tmp_path):
    save_nifti(tmp_path / "b.nii", head_hu())
    cohort = open_folder(listed(tmp_path, "scan,mask:A", "a.nii,gone.nii", "b.nii,"))
    assert [case.case for case in cohort.cases] == ["b"]
    assert cohort.skipped[0].reason == "column mask:A: no file or folder gone.nii"


def test_links_keep_their_own_names(tmp_path):
    store = save_nifti(tmp_path / "store" / "3f7a.nii", head_hu())
    (tmp_path / "anna.nii").symlink_to(store)
    cohort = open_folder(listed(tmp_path, "scan", "a.nii", "anna.nii"))
    assert [case.case for case in cohort.cases] == ["a", "anna"]

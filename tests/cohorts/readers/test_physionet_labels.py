import numpy as np
import pytest
from cohorts.readers.physionet_miniature import HEADER, write_csv, write_demographics

from ichnos.cohorts.readers.physionet_labels import (
    compare_with_patients,
    disagreements,
    read_patient_labels,
    read_slice_rows,
    scan_labels,
    three_digits,
)
from ichnos.errors import CohortError

UNTOLD = (-1,) * 6


def read(tmp_path, *rows, header=HEADER):
    write_csv(tmp_path / "table.csv", [header, *rows])
    return read_slice_rows(tmp_path / "table.csv")


def test_columns_become_our_order_and_keys_are_numbers(tmp_path):
    rows = read(
        tmp_path, ["049", "2", 0, 1, 0, 1, 0, 0, 1], [49, 1, 0, 0, 0, 0, 0, 1, 0], [50, 10, 1, 0, 1, 0, 1, 0, 0]
    )
    assert rows.labels[49] == {2: (1, 1, 1, 0, 0, 0), 1: (0,) * 6}
    assert rows.labels[50] == {10: (1, 0, 0, 1, 1, 1)}
    assert list(rows.by_key(49)) == ["1", "2"]
    assert rows.hints(49) == {"fractured_slices": "2"}
    assert rows.by_key(51) == rows.hints(51) == {}
    assert rows.notes == ()


def test_rows_that_are_there_twice_count_once_unless_they_differ(tmp_path):
    same, other = [49, 1, 0, 0, 0, 0, 1, 0, 0], [49, 2, 0, 0, 0, 0, 0, 1, 0]
    rows = read(tmp_path, same, same, other, [49, 2, 1, 0, 0, 0, 0, 0, 0], [49, 3, 0, 0, 0, 0, 0, 1, 0])
    assert rows.labels[49] == {1: (1, 0, 0, 0, 0, 1), 2: UNTOLD, 3: (0,) * 6}
    assert rows.notes == (
        "table.csv: 1 rows are there twice and count once: 049:1",
        "table.csv: 1 slices have rows that contradict each other, their labels are unknown: 049:2",
    )


def test_no_hemorrhage_and_subtypes_must_agree(tmp_path):
    rows = read(
        tmp_path,
        [49, 1, 1, 0, 0, 0, 0, 1, 0],
        [49, 2, 0, 0, 0, 0, 0, 0, 0],
        [49, 3, 0, 0, "", 0, 0, "", 0],
        [49, 4, 0, 0, 0, 0, 0, "", 0],
    )
    assert rows.labels[49] == {1: UNTOLD, 2: (1, -1, -1, -1, -1, -1), 3: (-1, 0, 0, 0, -1, 0), 4: (0,) * 6}
    assert "1 rows contradict themselves or say nothing, their labels are unknown: 049:1" in rows.notes[0]


def test_footers_are_passed_over_and_counted(tmp_path):
    rows = read(tmp_path, [49, 1, 0, 0, 0, 0, 0, 1, 0], ["Total", "", 0, 0, 0, 0, 0, 1, 0])
    assert list(rows.labels) == [49]
    assert rows.notes == ("table.csv: 1 rows without patient and slice number were passed over",)


def test_a_missing_column_or_a_strange_value_is_refused_with_its_place(tmp_path):
    with pytest.raises(CohortError, match="no column No_Hemorrhage"):
        read(tmp_path, [49, 1, 0, 0, 0, 0, 0], header=HEADER[:7])
    with pytest.raises(CohortError, match=r"table\.csv line 2, column subdural: '2' is neither yes nor no"):
        read(tmp_path, [49, 1, 0, 0, 0, 0, 2, 0, 0])


def test_demographics_with_two_header_rows_and_a_footer(tmp_path):
    write_demographics(tmp_path / "d.csv", {49, 70})
    patients = read_patient_labels(tmp_path / "d.csv")
    assert len(patients) == 82
    assert [number for number, told in patients.items() if told["subdural"]] == [49, 70]
    assert not any(told["epidural"] for told in patients.values())


def test_demographics_with_one_header_row(tmp_path):
    header = [
        "Patient Number",
        "Age\n(years)",
        "Gender",
        *HEADER[2:7],
        "Fracture (Yes/No)",
        "Condition on file",
        "Note",
    ]
    write_csv(tmp_path / "d.csv", [header, [76, 40, "Male", "", 1, 1, "", "", 1, "a bleed ", ""]])
    told = read_patient_labels(tmp_path / "d.csv")[76]
    assert [name for name, yes in told.items() if yes] == ["intraparenchymal", "subarachnoid"]
    write_csv(tmp_path / "d.csv", [["Patient Number", "Age"], [76, 40]])
    with pytest.raises(CohortError, match="no column for epidural"):
        read_patient_labels(tmp_path / "d.csv")


def test_some_slices_say_yes_of_their_scan_but_only_all_of_them_no():
    labels = {1: (0,) * 6, 2: (1, 0, 0, 0, 0, 1)}
    assert scan_labels(labels, complete=False) == {"any": True, "subdural": True}
    assert scan_labels(labels, complete=True)["epidural"] is False
    assert scan_labels({1: (0,) * 6, 2: UNTOLD}, complete=True) == {}
    assert scan_labels({}, complete=True) == {}


def test_patients_whose_tables_differ_are_named():
    scans = {49: {"subdural": True, "epidural": False}, 50: {"any": True}}
    patients = {49: dict.fromkeys(("epidural", "subdural"), True), 50: {"subdural": True}}
    (note,) = compare_with_patients(scans, patients)
    assert note.endswith("disagree on 1 patients, slices are taken: 049 (epidural)")


def test_disagreements_count_from_the_feet():
    labels = np.array([[1] + [0] * 5, [0] * 6, [-1] * 6], np.int8)
    drawn = np.zeros((3, 2, 2), bool)
    drawn[1:] = True
    assert disagreements(labels, {"any": drawn}) == (
        "labelled as bleeding, but nothing is drawn, on slice(s) z = 0",
        "labelled as free of blood, but blood is drawn, on slice(s) z = 1",
    )
    assert disagreements(labels, None) == ()


def test_patients_are_named_with_three_digits():
    assert three_digits({100, 49}) == ["049", "100"]

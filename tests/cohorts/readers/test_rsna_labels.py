import pytest
from cohorts.miniatures import rsna_rows, write_csv

from ichnos.cohorts.readers.rsna_labels import read_image_labels
from ichnos.errors import CohortError

A, B = (1, 0, 1, 0, 0, 1), (0,) * 6


def read(tmp_path, *rows, **options):
    return read_image_labels(write_csv(tmp_path / "stage_2_train.csv", "ID,Label", *rows, **options))


def test_rows_become_six_labels_an_image(tmp_path):
    told = read(tmp_path, *rsna_rows("ID_0a", A), *rsna_rows("ID_0b", B))
    assert told.labels == {"id_0a": A, "id_0b": B}
    assert (told.repeated_rows, told.contradicted, told.incomplete, told.illogical) == (0, (), 0, 0)


def test_the_order_of_rows_does_not_matter(tmp_path):
    rows = [*rsna_rows("ID_0a", A), *rsna_rows("ID_0b", B)]
    assert read(tmp_path, *reversed(rows), newline="\r\n", mark="\ufeff").labels == {"id_0a": A, "id_0b": B}


def test_repeated_rows_are_dropped_and_counted(tmp_path):
    told = read(tmp_path, *rsna_rows("ID_0a", A), *rsna_rows("ID_0a", A), *rsna_rows("ID_0b", B))
    assert told.labels["id_0a"] == A
    assert told.repeated_rows == 6


def test_contradicting_rows_take_all_labels_of_the_image(tmp_path):
    told = read(tmp_path, *rsna_rows("ID_0a", A), *rsna_rows("ID_0b", B), "ID_0a_subdural,0", "ID_0a_subdural,1")
    assert told.contradicted == ("id_0a",)
    assert told.labels == {"id_0a": (-1,) * 6, "id_0b": B}


def test_missing_and_illogical_rows_are_counted(tmp_path):
    told = read(tmp_path, *rsna_rows("ID_0a", (0, 1, 0, 0, 0, 0)), "ID_0b_any,1", "ID_0b_epidural,0.0")
    assert told.labels == {"id_0a": (0, 1, 0, 0, 0, 0), "id_0b": (1, 0, -1, -1, -1, -1)}
    assert (told.incomplete, told.illogical) == (1, 1)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("ID_0a_any,2", r"line 2, column Label: '2' is neither 0 nor 1"),
        ("ID_0a_any,", r"line 2, column Label: ''"),
        ("ID_0a_stroke,1", r"line 2, column ID: 'ID_0a_stroke' does not end in a kind of bleed"),
        ("any,1", r"line 2, column ID: 'any'"),
    ],
)
def test_other_rows_are_refused_with_their_line(tmp_path, row, problem):
    with pytest.raises(CohortError, match=problem):
        read(tmp_path, row)

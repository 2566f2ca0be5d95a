import pytest

from ichnos.cohorts.readers.tables import iterate_columns, plain, read_cells, read_table, read_yes_no
from ichnos.errors import CohortError

ROWS = [{"name": "a", "slicenumber": "1"}, {"name": "b", "slicenumber": "2"}]


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("name,Slice Number\na,1\nb,2\n", "utf-8"),
        ("name,Slice Number\r\na,1\r\nb,2", "utf-8-sig"),
        ("Name;slice_number\na;1\n\n;\nb;2\n", "utf-8"),
        ("name\tSlice-Number\na\t1\nb\t2\n", "utf-16"),
        (' name , "Slice Number" \na , 1,,\n"b", 2 \n', "utf-8"),
        ("The table of the study\nname,Slice Number\na,1\nb,2\n", "utf-8"),
    ],
)
def test_the_same_table_in_many_spellings(tmp_path, text, encoding):
    table = read_table(write(tmp_path, text, encoding), ["name", "SliceNumber"])
    assert [dict(row.cells) for row in table.rows] == ROWS


def test_rows_know_their_line(tmp_path):
    table = read_table(write(tmp_path, "name,any\n\na,1\nb,maybe\n"), ["name"])
    assert [row.place.split()[-1] for row in table.rows] == ["3", "4"]
    assert read_yes_no(table.rows[0], "any") is True
    with pytest.raises(CohortError, match=r"t\.csv line 4, column any: 'maybe' is neither yes nor no"):
        read_yes_no(table.rows[1], "any")


@pytest.mark.parametrize(
    ("cell", "expected"), [("1", True), ("Yes", True), ("0.0", False), ("FALSE", False), ("", None), ("n/a", None)]
)
def test_yes_no_and_nothing(tmp_path, cell, expected):
    (row,) = read_table(write(tmp_path, f"name,any\na,{cell}\n"), ["name"]).rows
    assert read_yes_no(row, "any") is expected
    assert read_yes_no(row, "absent") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("case,any\na,1\n", r"has no column name; its columns are case, any"),
        ("name,any,NAME\na,1,b\n", "column name stands there twice"),
        ("name,any\na,1,2\n", "line 2: has 3 cells, the header 2"),
    ],
)
def test_broken_tables_are_refused(tmp_path, text, problem):
    with pytest.raises(CohortError, match=problem):
        read_table(write(tmp_path, text), ["name"])


def test_a_quotation_mark_that_is_never_closed_is_no_way_to_lose_rows(tmp_path):
    with pytest.raises(CohortError, match=r"line 3: a quotation mark is opened there and never closed"):
        read_table(write(tmp_path, 'name,any\na,1\n"b,1\nc,0\n'), ["name"])
    whole = read_table(write(tmp_path, 'name,note\na,"two\nlines"\nb,"5"\n'), ["name"])
    assert [row["note"] for row in whole.rows] == ["two\nlines", "5"]


def test_an_absent_table_is_one_line(tmp_path):
    with pytest.raises(CohortError, match="cannot be opened"):
        read_table(tmp_path / "none.csv", ["name"])


def test_western_letters_of_windows_are_read(tmp_path):
    (row,) = read_table(write(tmp_path, "name\nMüller\n", "cp1252"), ["name"]).rows
    assert row["name"] == "Müller"


def test_columns_are_streamed_in_the_order_asked_for(tmp_path):
    path = write(tmp_path, "\ufeffID,extra,Label\r\nx,7,1\r\ny,8,0\r\n")
    assert list(iterate_columns(path, ["Label", "ID"])) == [(2, ("1", "x")), (3, ("0", "y"))]


def test_a_row_that_was_cut_is_named(tmp_path):
    with pytest.raises(CohortError, match=r"line 3: has 1 cells, fewer than the header"):
        list(iterate_columns(write(tmp_path, "ID,Label\nx,1\ny"), ["ID", "Label"]))
    with pytest.raises(CohortError, match="is empty"):
        list(iterate_columns(write(tmp_path, ""), ["ID"]))


def test_cells_are_given_as_they_are(tmp_path):
    assert read_cells(write(tmp_path, "a,b\n\n,,\nc\n")) == [(1, ["a", "b"]), (4, ["c"])]


def test_plain_names():
    assert plain("\ufeffSlice_Number ") == plain("slice-number") == "slicenumber"

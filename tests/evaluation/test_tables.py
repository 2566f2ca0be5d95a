import csv
import io

import pytest

from ichnos.evaluation.tables import Table, compare_with_published, with_spread, write_table

TABLE = Table("Dice", ("method", "Dice, %"), (("U-Net_2", "0.44 ± 0.02"), ("a|b", "1 & 2")), ("eps = 1",))


def test_markdown_keeps_cells_apart():
    lines = TABLE.to_markdown().splitlines()
    assert lines[0] == "**Dice**"
    assert lines[2:6] == ["| method | Dice, % |", "|---|---:|", "| U-Net_2 | 0.44 ± 0.02 |", r"| a\|b | 1 & 2 |"]
    assert lines[-1] == "- eps = 1"


def test_latex_escapes_what_it_would_read_as_a_command():
    latex = TABLE.to_latex()
    assert r"U-Net\_2 & 0.44 $\pm$ 0.02 \\" in latex
    assert r"method & Dice, \% \\" in latex
    assert r"a|b & 1 \& 2 \\" in latex
    assert latex.index(r"\begin{tabular}{lr}") < latex.index(r"\toprule") < latex.index(r"\end{tabular}")


def test_csv_comes_back_as_it_was():
    rows = list(csv.reader(io.StringIO(TABLE.to_csv())))
    assert rows == [list(TABLE.columns), *map(list, TABLE.rows)]


def test_a_row_of_another_length_is_our_mistake():
    with pytest.raises(AssertionError, match="3 cells under 2 headings"):
        Table("t", ("a", "b"), (("1", "2", "3"),))


def test_three_files_are_written(tmp_path):
    write_table(TABLE, tmp_path, "table-1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table-1.csv", "table-1.md", "table-1.tex"]
    assert (tmp_path / "table-1.md").read_text(encoding="utf-8") == TABLE.to_markdown()


def test_each_heading_of_ours_says_what_it_was_measured_on():
    published = {"U-Net": {"Dice": "0.438"}, "Grad-CAM": {"Dice": "0.237"}}
    table = compare_with_published("t", published, {"U-Net": {"Dice": "0.70", "IoU": "0.60"}}, "phantoms")
    assert table.columns == (
        "method",
        "Dice, published",
        "Dice, ours on phantoms",
        "IoU, published",
        "IoU, ours on phantoms",
    )
    assert table.rows == (("U-Net", "0.438", "0.70", "-", "0.60"), ("Grad-CAM", "0.237", "-", "-", "-"))


def test_a_comparison_that_does_not_say_what_on_is_refused():
    with pytest.raises(AssertionError, match="measured on"):
        compare_with_published("t", {}, {}, "")


def test_spread_is_printed_as_in_the_papers():
    assert with_spread(63.852, 39.964, 2) == "63.85 ± 39.96"

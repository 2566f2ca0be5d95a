from ichnos.evaluation.reproduction.content import Part, read_parts, write_parts
from ichnos.evaluation.tables import Table

TABLE = Table("Figures", ("method", "dice"), (("U-Net", "0.5"),), ("a note",))


def test_parts_come_back_and_tables_lie_beside(tmp_path):
    parts = (
        Part("Segmentation of slices", ("Words.",), (TABLE, TABLE), (("roc.png", "A curve."),)),
        Part("Nothing"),
    )
    write_parts(parts, tmp_path)
    assert read_parts(tmp_path) == parts
    assert (tmp_path / "tables" / "segmentation-of-slices.csv").read_text() == "method,dice\nU-Net,0.5\n"
    assert (tmp_path / "tables" / "segmentation-of-slices-2.tex").is_file()

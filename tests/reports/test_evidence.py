import numpy as np
from PIL import Image

from ichnos.evaluation.evidence.real_scans import RealFinding
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.tables import Table
from ichnos.reports.evidence import EvidencePage, draw_calls, write_evidence
from ichnos.runtime.files import write_json


def finished(folder):
    """Stages with a table, a picture, and a real scan of 2 slices with 4 voxels called."""
    tables = folder / "stages" / "tables"
    (tables / "pictures").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tables / "pictures" / "p.jpg")
    write_parts([Part("Found", (), (Table("T", ("m", "dice"), (("a", "0.5"),)),), (("p.jpg", "a picture"),))], tables)
    real = folder / "stages" / "real"
    write_json(real / "findings.json", [RealFinding(1, "m", 1.25, 2, 1, 0.9, ("cut off",)).__dict__])
    mask = np.zeros((2, 16, 16), bool)
    mask[1, 4:6, 4:6] = True
    np.savez(real / "masks.npz", **{"hu-1": np.full((2, 16, 16), 40, np.int16), "mask-1-0": mask})


def test_pages_show_tables_and_pictures(tmp_path):
    finished(tmp_path)
    pages = [EvidencePage("models", "Evidence", ("tables", "real", "never"), ("Made so.",))]
    (html,) = write_evidence(tmp_path, pages)
    text = (html.parent / "index.md").read_text()
    assert "Made so." in text
    assert "| a | 0.5 |" in text
    assert "Real scan 1, m: 1.2 mL called blood" in text
    assert "cut off" in text
    assert sorted(path.name for path in (html.parent / "pictures").iterdir()) == ["p.jpg", "real-1-m.jpg"]
    assert "data:image/jpeg;base64" in html.read_text()
    assert "never" not in text


def test_what_is_called_is_outlined_and_nothing_else():
    mask = np.zeros((3, 33, 33), bool)
    mask[1, 10:14, 20:24] = True
    sheet = np.asarray(draw_calls(np.full((3, 33, 33), 40.0), mask)).astype(int)
    red = sheet[:, :, 0] - sheet[:, :, 1] > 100
    rows, columns = np.nonzero(red)
    assert red.any()
    assert 132 + 20 * 4 - 5 <= columns.min() <= columns.max() <= 132 + 24 * 4 + 5
    assert 10 * 4 - 5 <= rows.min() <= rows.max() <= 14 * 4 + 5

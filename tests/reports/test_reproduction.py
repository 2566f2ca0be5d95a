import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ichnos.evaluation.figures import write_figure
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.reproduction.plan import stage_folder
from ichnos.evaluation.tables import Table
from ichnos.reports.reproduction import Account, write_reproduction

ACCOUNT = Account(
    "A paper, reproduced",
    "phantoms",
    "ichnos reproduce paper -o OUT",
    "abc",
    (0, 1),
    12.3,
    ("8 phantoms.",),
    ("fewer folds",),
)


def fill(folder):
    own = stage_folder(folder, "results")
    write_figure(Figure(), own / "pictures" / "roc.png")
    table = Table("Table 1", ("method", "dice, ours on phantoms"), (("U-Net", "0.5"),))
    write_parts([Part("Detection", ("Words.",), (table,), (("roc.png", "A curve, phantoms."),))], own)
    slices = stage_folder(folder, "slices")
    slices.mkdir(parents=True)
    arrays = {"names": np.array(["a"]), "methods": np.array(["U-Net"]), "hu-0": np.full((8, 8), 40.0)}
    arrays |= {"label-0": np.eye(8, dtype=bool), "predicted-0-0": np.eye(8, dtype=bool)}
    np.savez(slices / "slices.npz", **arrays)


def test_a_page_holds_what_stages_found_and_how(tmp_path):
    fill(tmp_path)
    page = write_reproduction(tmp_path, ("results", "slices", "not-there"), ACCOUNT)
    text = (tmp_path / "index.md").read_text()
    assert page == tmp_path / "index.html"
    assert "All figures of ours were measured on phantoms" in text
    assert "at commit abc, training seeds 0, 1; all stages together took 12 minutes of one core" in text
    assert "Smaller than in the paper: fewer folds." in text
    assert "| U-Net | 0.5 |" in text
    assert "(pictures/roc.png)" in text
    picture = np.asarray(Image.open(tmp_path / "pictures" / "hgi-sam-slices.png").convert("RGB")).reshape(-1, 3)
    assert len(np.unique(picture, axis=0)) > 2


def test_the_page_can_be_written_again(tmp_path):
    fill(tmp_path)
    write_reproduction(tmp_path, ("results", "slices"), ACCOUNT)
    before = (tmp_path / "index.html").read_bytes()
    write_reproduction(tmp_path, ("results", "slices"), ACCOUNT)
    assert (tmp_path / "index.html").read_bytes() == before

from dataclasses import replace

import numpy as np
from reports.test_overlay import result

from ichnos.reports.overlay import write_overlay
from ichnos.reports.scan_report import make_sections, write_report


def bleeding():
    return result(bleed=[np.s_[0, 10:20, 10:20]], flags=("the mask is <lopsided>",))


def test_the_page_holds_flags_volume_and_picture(tmp_path):
    write_overlay(bleeding(), tmp_path / "overlay.png", "a")
    write_report(bleeding(), tmp_path / "overlay.png", tmp_path / "report.html", "case 7")
    page = (tmp_path / "report.html").read_text()
    assert "<h1>case 7</h1>" in page
    assert "the mask is &lt;lopsided&gt;" in page
    assert "<td>0.5 mL</td>" in page
    assert "data:image/png;base64," in page
    assert "Research use only" in page
    assert "Volume by subtype" not in page, "nothing is invented where a model does not tell subtypes"


def test_subtypes_are_told_in_millilitres(tmp_path):
    found = bleeding()
    subtypes = found.bleed_mask.voxels.astype(np.uint8) * 3
    table = make_sections(replace(found, subtypes=subtypes), tmp_path / "overlay.png")[1].tables[1]
    assert dict(table.rows)["intraventricular"] == "0.5 mL"
    assert dict(table.rows)["epidural"] == "0.0 mL"


def test_without_flags_it_says_so(tmp_path):
    assert make_sections(result(), tmp_path / "overlay.png")[0].paragraphs == ("Nothing was flagged.",)

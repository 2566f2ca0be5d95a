import base64
from html.parser import HTMLParser

import pytest
from PIL import Image

from ichnos.evaluation.tables import Table
from ichnos.reports.page import Picture, Section, write_page


class Reader(HTMLParser):
    """Cells, headings and pictures of a page, as a browser would find them."""

    def __init__(self):
        super().__init__()
        self.open, self.found, self.pictures = [], [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "img":
            self.pictures.append(dict(attributes))
            self.open.pop()

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if data.strip() and self.open:
            self.found.append((self.open[-1], data))


@pytest.fixture
def page(tmp_path):
    (tmp_path / "figures").mkdir()
    Image.new("RGB", (4, 4), "red").save(tmp_path / "figures" / "a.png")
    table = Table("Dice <all>", ("method", "Dice"), (("U-Net & co", "0.44"),), ("phantoms",))
    section = Section("Results", ("a < b",), (table,), (Picture(tmp_path / "figures" / "a.png", "a red square"),))
    return write_page("Both papers", [section], tmp_path)


def test_text_is_text_and_never_markup(page):
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    assert ("h1", "Both papers") in reader.found
    assert ("p", "a < b") in reader.found
    assert ("td", "U-Net & co") in reader.found
    assert ("caption", "Dice <all>") in reader.found
    assert ("li", "phantoms") in reader.found


def test_the_html_file_holds_its_pictures(page):
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    kind, _, content = reader.pictures[0]["src"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content) == (page.parent / "figures" / "a.png").read_bytes()
    assert reader.pictures[0]["alt"] == "a red square"


def test_the_markdown_file_names_pictures_beside_it(page):
    text = (page.parent / "index.md").read_text(encoding="utf-8")
    assert "![a red square](figures/a.png)" in text
    assert "| U-Net & co | 0.44 |" in text
    assert text.startswith("# Both papers\n\n*Research use only.")

"""A page of results: the same sections as HTML, in one file that opens anywhere, and as Markdown.

Pictures are part of the HTML file and stand beside the Markdown file.
"""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ichnos.evaluation.tables import Table
from ichnos.runtime.files import write_text
from ichnos.runtime.provenance import RESEARCH_USE


@dataclass(frozen=True)
class Picture:
    """A PNG or JPEG with its caption; the caption says what the picture was made from."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: its heading.
        paragraphs: plain text.
        tables: shown after the text.
        pictures: shown after the tables.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72em; margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; margin: 1em 0; font-size: 14px; }
caption { text-align: left; font-weight: bold; padding: 4px 0; }
th, td { padding: 3px 9px; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; }
.notes { font-size: 13px; color: #555; }
figure { margin: 1.5em 0; }
img { max-width: 100%; }
.notice { background: #fff3cd; padding: 8px 12px; }
</style>
<h1>{{ title }}</h1>
<p class="notice">{{ notice }}</p>
{% for section in sections %}
<h2>{{ section.title }}</h2>
{% for paragraph in section.paragraphs %}<p>{{ paragraph }}</p>
{% endfor %}
{% for table in section.tables %}
<div class="wide"><table>
<caption>{{ table.title }}</caption>
<tr>{% for name in table.columns %}<th>{{ name }}</th>{% endfor %}</tr>
{% for row in table.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</table></div>
<ul class="notes">{% for note in table.notes %}<li>{{ note }}</li>{% endfor %}</ul>
{% endfor %}
{% for picture in section.pictures %}
<figure><img alt="{{ picture.caption }}" src="{{ embed(picture.path) }}"><figcaption>{{ picture.caption }}</figcaption></figure>
{% endfor %}
{% endfor %}
</html>
"""  # noqa: E501 - a figure must stay on one line


def write_page(title: str, sections: Sequence[Section], folder: Path, notice: str = RESEARCH_USE) -> Path:
    """Write `index.html` and `index.md` into `folder`; returns the path of the HTML file.

    Args:
        title: of the page.
        sections: in their order.
        folder: pictures inside it are named relative to it in the Markdown file.
        notice: shown at the top.
    """
    write_text(folder / "index.html", render_page(title, sections, notice))
    write_text(folder / "index.md", _to_markdown(title, sections, folder, notice))
    return folder / "index.html"


def render_page(title: str, sections: Sequence[Section], notice: str = RESEARCH_USE) -> str:
    """The page as HTML, with its pictures inside."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page = environment.from_string(_PAGE)
    return page.render(title=title, sections=sections, notice=notice, embed=_embed)


def _embed(path: Path) -> Markup:
    kind = "jpeg" if path.suffix == ".jpg" else "png"
    return Markup(f"data:image/{kind};base64," + base64.b64encode(path.read_bytes()).decode())


def _to_markdown(title: str, sections: Sequence[Section], folder: Path, notice: str) -> str:
    parts = [f"# {title}", f"*{notice}*"]
    for section in sections:
        parts += [f"## {section.title}", *(html.escape(text, quote=False) for text in section.paragraphs)]
        parts += [table.to_markdown().rstrip() for table in section.tables]
        parts += [
            f"![{picture.caption}]({picture.path.relative_to(folder).as_posix()})\n\n*{picture.caption}*"
            for picture in section.pictures
        ]
    return "\n\n".join(parts) + "\n"

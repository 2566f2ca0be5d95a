from importlib.metadata import version as installed_version

from sphinx.application import Sphinx

project = "ichnos"
author = "the ichnos contributors"
project_copyright = "the ichnos contributors, Apache-2.0"
version = release = installed_version("ichnos")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"ichnos {release}"

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True


def tidy_docstring(app: Sphinx, what: str, *details: object) -> None:
    """Drop the docstring of a module, whose page has an introduction; keep colons in a property's."""
    lines = details[-1]
    if not isinstance(lines, list):
        return
    if what == "module":
        lines.clear()
    elif what == "property":
        # napoleon takes what stands before a colon in the first line for a type: start with a comment
        lines[:0] = ["..", ""]


def setup(app: Sphinx) -> None:
    """Connect the above, to run before napoleon (500)."""
    app.connect("autodoc-process-docstring", tidy_docstring, priority=400)

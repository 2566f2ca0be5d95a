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


def drop_module_docstring(app: Sphinx, what: str, *details: object) -> None:
    """Empty the docstring of a module: each reference page has an introduction of its own."""
    lines = details[-1]
    if what == "module" and isinstance(lines, list):
        lines.clear()


def setup(app: Sphinx) -> None:
    """Connect the above."""
    app.connect("autodoc-process-docstring", drop_module_docstring)

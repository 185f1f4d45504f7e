"""Configuration of Sphinx for the site. `docs/build.py` prepares the pages and calls Sphinx."""

import os
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))
PROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]

project = "MNIST-1D"
author = "the contributors of mnist1d"
project_copyright = f"{author}; Apache-2.0"
version = release = PROJECT["version"]
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "website.docstrings",
]
exclude_patterns = ["files"]  # what pages link to, as it is

# Markdown. Anchors of headings are those of GitHub.
myst_heading_anchors = 4

# The reference. Code in docstrings is a link where it is a name.
default_role = "py:obj"
autodoc_default_options = {"special-members": "__call__"}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True  # as the source has them, not values and paths of one machine
autosummary_generate = False
suppress_warnings = ["autosummary.import_cycle"]  # its tables show where to import a name from
maximum_signature_line_length = 80
napoleon_custom_sections = [("Attributes", "params_style"), "Source", "Sources"]
toc_object_entries_show_parents = "hide"

# Notebooks run where nothing is stored yet, by the Python that builds, in folders that go away.
nb_execution_mode = os.environ.get("MNIST1D_SITE_NOTEBOOKS", "off")
nb_execution_cache_path = os.environ.get("MNIST1D_SITE_CACHE", "")
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 900
nb_merge_streams = True
nb_code_prompt_show = "Show the solution"  # nothing else is hidden
nb_code_prompt_hide = "Hide the solution"

html_theme = "furo"
html_title = f"MNIST-1D {version}"
html_favicon = "../src/mnist1d/explore/static/style/icon.svg"
html_static_path = ["website/static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
copybutton_exclude = ".linenos, .gp, .go"

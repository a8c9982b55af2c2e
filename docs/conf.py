"""The site's configuration for Sphinx: `make docs` builds the pages of this folder, and every warning is an error."""

from __future__ import annotations

from importlib import metadata

project = "saddle"
author = copyright = "the saddle developers"
release = metadata.version("saddle")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
myst_heading_anchors = 3
"""Down to which level headings can be linked to, as on the pages themselves."""
html_theme = "furo"
html_title = f"saddle {release}"
exclude_patterns = ["_build"]
autodoc_typehints = "description"
autodoc_member_order = "bysource"

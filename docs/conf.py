"""Sphinx: `sphinx-build -W -b html docs docs/_build`."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "Soleus"
author = "the Soleus contributors"
copyright = "the Soleus contributors, MIT licence"  # noqa: A001 - Sphinx's own name
release = installed_version("soleus")
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "examples", "batch"]
myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3
# An example that fails, a page nobody links to, a link to nowhere: all are errors (-W).
suppress_warnings = ["config.cache"]

autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "show_memory": False,
    "download_all_examples": False,
    "within_subsection_order": "FileNameSortKey",
    "min_reported_time": 3600,
}

html_theme = "pydata_sphinx_theme"
html_title = "Soleus"
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}
html_show_sourcelink = False
# Mathematics is drawn in the browser by MathJax; without a network the page shows its source, which reads well, too.

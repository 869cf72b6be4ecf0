"""Settings of the documentation site. `make docs` builds it; a page loads nothing from another server."""

project = "reco"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "reco"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
# The anchors of `page.md#a-heading` are GitHub's, so that links work there and on the site.
myst_heading_anchors = 4
# Code blocks without a language are shell lines and tables of text: nothing to colour.
highlight_language = "text"

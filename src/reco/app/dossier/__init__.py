"""A dossier: what a visitor kept to read, with notes, as DOCX, XLSX, CSV, RIS or Markdown.

Everything written is a quote of the catalogue, the visitor's own words, a computed figure or a heading.
"""

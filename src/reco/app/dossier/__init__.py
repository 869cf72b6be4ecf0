"""The dossier of a visitor: kept resources with notes, as DOCX, XLSX, CSV, RIS or Markdown.

A file contains only quotes of the catalogue, the visitor's own words, computed figures and headings.
"""

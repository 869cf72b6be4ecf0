"""Widgets of the pages: cards, filters, the query form, the basket, downloads."""

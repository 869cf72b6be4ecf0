"""Parts of pages: cards, filters, the query form, the basket, downloads."""

"""Blind judging of two lists: the page, its key, and the judgements that come back."""

"""Blind judgement of two lists of results: the page, its hidden key, and the judgements that it exports."""

"""Communes and intercommunalités: the gazetteer, looking a place up, and how alike two places are."""

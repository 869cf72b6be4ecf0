"""Places of France: the gazetteer, the lookup of a commune, the likeness of two places, and the map."""

"""Files: atomic writes, formula-safe tables, signed CSV files."""

"""Files: atomic writes, formula-safe tables, and CSV files that people sign."""

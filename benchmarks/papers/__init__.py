"""Ten papers of offices in real layouts, and the measure of what is found for them."""

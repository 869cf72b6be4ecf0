"""The teaching of the shipped encoder: public sheets, the catalogue and written requests to weights."""

"""Figures of the pages: maps of clusters and of France, and the coverage grid."""

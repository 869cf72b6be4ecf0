"""The search structures of a catalogue: vectors, FAISS, BM25, acronyms, duplicates, calibrated levels.

Only this package imports FAISS and bm25s.
"""

"""Search structures of a catalogue: vectors, FAISS, BM25, acronyms, duplicates and calibrated levels.

FAISS and bm25s are imported here only.
"""

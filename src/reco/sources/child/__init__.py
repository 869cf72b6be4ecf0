"""A child process that reads one source under limits, and sends its rows back in batches.

What a source holds is parsed there only. A file that eats memory, loops or crashes a parser costs its own
source and no other.
"""

"""The refresh: read the sources, build the next snapshot, judge it, publish it."""

"""What kind of source is at an address: one recogniser per kind, and the mapping of its columns.

A recogniser takes a `Site` and returns a `Proposal`, or None when another kind may be there.
"""

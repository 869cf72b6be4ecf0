"""Sources: rows of files, folders, feeds and web interfaces, read into records.

HTTP and file formats are imported here only.
"""

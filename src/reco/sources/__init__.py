"""Sources of resources: files, folders, feeds and web APIs, read row by row into records.

Only this package imports HTTP and file-format libraries.
"""

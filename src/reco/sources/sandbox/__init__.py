"""A visitor's file, read into text by a child process under limits.

A file is hostile until shown otherwise: its name is never a path, and nothing of it touches the disk.
"""

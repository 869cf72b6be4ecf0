"""A child process that turns a visitor's file into text, under limits.

Every file is treated as hostile: its name is never used as a path, and nothing of it touches the disk.
"""

"""Limits on a visitor's file: its size, and the time and memory that reading it may take."""

from __future__ import annotations

MOST_BYTES = 10_000_000
"""Bytes of a file as uploaded."""

LONGEST_TEXT = 20_000
"""Characters that are kept, about seven pages. The rest is dropped, and the visitor is told."""

MOST_PAGES = 60
"""Pages of a PDF that are read."""

MOST_UNPACKED = 100_000_000
"""Bytes that an archive may declare, pictures included."""

MOST_MARKUP = 20_000_000
"""Bytes of XML that an archive may hold."""

MOST_RATIO = 100
"""Unpacked bytes per packed byte, in an archive and in each of its large entries."""

MOST_ENTRIES = 2_000
MOST_ELEMENTS = 300_000
DEEPEST = 200

ENOUGH_SECONDS = 5.0
"""Seconds after which no further page is read. The pages read so far are the text."""

MOST_SECONDS = 8
"""Seconds of processor time after which the system kills the child process."""

MOST_WALL_SECONDS = 8.5
"""Seconds of wall time after which the parent kills it, whatever the load of the machine."""

MOST_MEMORY = 280_000_000
"""Bytes of address space of the child process."""

AT_ONCE = 2
"""Files read at the same time. Others wait, at most `MOST_WALL_SECONDS`."""

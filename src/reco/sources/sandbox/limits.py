"""How much of a visitor's file is read, and what reading it may cost."""

from __future__ import annotations

MOST_BYTES = 10_000_000
"""Bytes of a file as sent."""

LONGEST_TEXT = 20_000
"""Characters that are kept, about seven pages; what follows is left out, and that is said."""

MOST_PAGES = 60
"""Pages of a PDF that are read."""

MOST_UNPACKED = 100_000_000
"""Bytes that an archive may say it holds, pictures included."""

MOST_MARKUP = 20_000_000
"""Bytes of XML that an archive may hold."""

MOST_RATIO = 100
"""Bytes unpacked for each byte packed, over an archive and in each of its large entries."""

MOST_ENTRIES = 2_000
MOST_ELEMENTS = 300_000
DEEPEST = 200

ENOUGH_SECONDS = 5.0
"""Seconds after which no other page is begun: what was read until then is the answer."""

MOST_SECONDS = 8
"""Seconds of processor after which the system stops the reading."""

MOST_WALL_SECONDS = 8.5
"""Seconds of the clock after which it is stopped whatever the machine does besides."""

MOST_MEMORY = 280_000_000
"""Bytes of address space of the process that reads."""

AT_ONCE = 2
"""Files that are read at the same time; the next wait, at most `MOST_WALL_SECONDS`."""

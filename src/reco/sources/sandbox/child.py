"""The process that reads one file under limits: bytes on standard input, JSON on standard output."""

from __future__ import annotations

import json
import sys

from reco.sources import isolation
from reco.sources.sandbox import limits
from reco.sources.sandbox.refusal import Reason, Unreadable


def main() -> None:
    """Read one file, of the kind in the first argument. It writes no file and prints no traceback."""
    memory, seconds = limits.MOST_MEMORY, limits.MOST_SECONDS
    isolation.limit({"AS": memory, "CPU": seconds, "FSIZE": 0, "CORE": 0})
    kind, data = sys.argv[1], sys.stdin.buffer.read(limits.MOST_BYTES + 1)
    sys.stdout.buffer.write(json.dumps(_answer(data, kind)).encode("ascii"))


def _answer(data: bytes, kind: str) -> dict[str, object]:
    from reco.sources.sandbox.formats import extract

    try:
        text, cut = extract(data, kind)
    except Unreadable as refused:
        return {"reason": refused.reason}
    except (MemoryError, RecursionError):
        return {"reason": Reason.TOO_HEAVY}
    except Exception:  # hostile bytes can make a parser raise anything
        return {"reason": Reason.BROKEN}
    return {"text": text[: limits.LONGEST_TEXT + 1], "cut": cut}


if __name__ == "__main__":
    main()

"""Reading a file from outside: the checks that cost nothing, then a process that can be stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass

from reco.sources.sandbox import limits
from reco.sources.sandbox.kinds import kind_of
from reco.sources.sandbox.refusal import Reason, Unreadable
from reco.text.clean import clean

_KEPT = ("PATH", "PYTHONPATH", "SYSTEMROOT", "LANG", "LC_ALL")
_places = threading.BoundedSemaphore(limits.AT_ONCE)


@dataclass(frozen=True)
class FileText:
    """What was read of a file: at most `LONGEST_TEXT` characters, and whether something was left out."""

    text: str
    kind: str
    cut: bool


def read(data: bytes, name: str) -> FileText:
    """Return the text of a file; only the end of `name` is looked at.

    Takes less than ten seconds and 300 MB whatever the bytes are. Raises Unreadable.
    """
    if len(data) > limits.MOST_BYTES:
        raise Unreadable(Reason.TOO_BIG)
    kind = kind_of(data, name)
    if not _places.acquire(timeout=limits.MOST_WALL_SECONDS):
        raise Unreadable(Reason.BUSY)
    try:
        answer = _asked(data, kind)
    finally:
        _places.release()
    if "reason" in answer:
        raise Unreadable(Reason(str(answer["reason"])))
    text = clean(str(answer["text"]))
    return FileText(_whole(text), kind, bool(answer["cut"]) or len(text) > limits.LONGEST_TEXT)


def _asked(data: bytes, kind: str) -> dict[str, object]:
    command = [sys.executable, "-P", "-m", "reco.sources.sandbox.child", kind]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, and a kind of our own
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=limits.MOST_WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise Unreadable(Reason.TOO_SLOW) from late
    if done.returncode:
        slow = done.returncode in (-signal.SIGXCPU, -signal.SIGKILL) if hasattr(signal, "SIGXCPU") else False
        raise Unreadable(Reason.TOO_SLOW if slow else Reason.TOO_HEAVY)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def _whole(text: str) -> str:
    """Return at most the longest text, ended where a line or a sentence ends when one does near."""
    if len(text) <= limits.LONGEST_TEXT:
        return text
    kept = text[: limits.LONGEST_TEXT]
    end = max(kept.rfind("\n"), kept.rfind(". ") + 1)
    return kept[:end].rstrip() if end > limits.LONGEST_TEXT * 0.9 else kept

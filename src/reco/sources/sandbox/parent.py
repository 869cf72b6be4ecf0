"""Reads a visitor's file: cheap checks first, then a child process that can be killed."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from dataclasses import dataclass

from reco.sources import isolation
from reco.sources.sandbox import limits
from reco.sources.sandbox.kinds import kind_of
from reco.sources.sandbox.refusal import Reason, Unreadable
from reco.text import pages
from reco.text.clean import clean
from reco.text.paragraphs import unwrapped

_places = threading.BoundedSemaphore(limits.AT_ONCE)


@dataclass(frozen=True)
class FileText:
    """The text of a file, at most `LONGEST_TEXT` characters; `cut` is true when some was dropped."""

    text: str
    kind: str
    cut: bool


def read(data: bytes, name: str) -> FileText:
    """Return the text of a file. Only the extension of `name` matters.

    Takes less than ten seconds and 300 MB for any bytes. Raises Unreadable.
    """
    if len(data) > limits.MOST_BYTES:
        raise Unreadable(Reason.TOO_BIG)
    kind = kind_of(data, name)
    if not _places.acquire(timeout=limits.MOST_WALL_SECONDS):
        raise Unreadable(Reason.BUSY)
    try:
        answer = _child_answer(data, kind)
    finally:
        _places.release()
    if "reason" in answer:
        raise Unreadable(Reason(str(answer["reason"])))
    text = clean(unwrapped(pages.body(str(answer["text"]))))
    return FileText(_shortened(text), kind, bool(answer["cut"]) or len(text) > limits.LONGEST_TEXT)


def _child_answer(data: bytes, kind: str) -> dict[str, object]:
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, and a kind from `kind_of`
            isolation.command("reco.sources.sandbox.child", kind),
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=isolation.environment(),
            timeout=limits.MOST_WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise Unreadable(Reason.TOO_SLOW) from late
    if done.returncode:
        slow = done.returncode in (-signal.SIGXCPU, -signal.SIGKILL) if hasattr(signal, "SIGXCPU") else False
        raise Unreadable(Reason.TOO_SLOW if slow else Reason.TOO_HEAVY)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def _shortened(text: str) -> str:
    """Cut a text at `LONGEST_TEXT`, or at the end of a line or sentence just before."""
    if len(text) <= limits.LONGEST_TEXT:
        return text
    kept = text[: limits.LONGEST_TEXT]
    end = max(kept.rfind("\n"), kept.rfind(". ") + 1)
    return kept[:end].rstrip() if end > limits.LONGEST_TEXT * 0.9 else kept

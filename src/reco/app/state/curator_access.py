"""The curator's door: a password of the server's environment, and few attempts for all who try it.

The failures of all visitors count together, because whoever guesses can open as many sessions as he
likes. So a guesser can keep the curator out as well, for `LONGEST` seconds at most after he stops.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
import time
from collections.abc import Callable

import streamlit as st

VARIABLE = "RECO_CURATOR_PASSWORD"
FREE = 3
"""Failures before any wait."""
SHORTEST, LONGEST = 5.0, 900.0
"""Seconds of the first wait, which doubles with each failure, and of the longest."""

_SESSION = "curator"


class Door:
    """Lets in who knows the password, one attempt at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._shut_until = 0.0

    def wait(self) -> float:
        """Return the seconds before another attempt is looked at; 0 when it would be now."""
        return max(0.0, self._shut_until - self._clock())

    def opens(self, given: str, expected: str) -> bool:
        """Return whether an attempt succeeds; while one must wait, none does, right or wrong."""
        with self._lock:
            if not expected or self.wait() > 0:
                return False
            # Digests, because `compare_digest` tells the lengths of what it compares.
            if hmac.compare_digest(_digest(given), _digest(expected)):
                self._failures = 0
                return True
            self._failures += 1
            if self._failures >= FREE:
                seconds = SHORTEST * 2.0 ** min(self._failures - FREE, 16)
                self._shut_until = self._clock() + min(seconds, LONGEST)
            return False


def expected() -> str:
    """Return the curator's password, empty when the curator's page is off."""
    return os.environ.get(VARIABLE, "")


def inside() -> bool:
    """Return whether this session was let in with the password of today."""
    word = expected()
    return bool(word) and hmac.compare_digest(st.session_state.get(_SESSION, b""), _digest(word))


def enter(given: str) -> bool:
    """Try a password for this session."""
    word = expected()
    if not door().opens(given, word):
        return False
    st.session_state[_SESSION] = _digest(word)
    return True


def leave() -> None:
    """Shut the door behind this session."""
    st.session_state.pop(_SESSION, None)


@st.cache_resource(show_spinner=False)
def door() -> Door:
    """Return the one door of this server."""
    return Door()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

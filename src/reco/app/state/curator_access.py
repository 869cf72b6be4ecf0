"""Access to the curator's page: a password in the server's environment, and a limit on attempts.

Failures of all visitors count together, because an attacker can open any number of sessions. An attacker can
therefore lock the curator out too, until `LONGEST` seconds after the last attempt at most.
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
"""Failures before the first wait."""
SHORTEST, LONGEST = 5.0, 900.0
"""First and longest wait, in seconds. Each failure doubles the wait."""

_SESSION = "curator"


class Door:
    """Checks the password, one attempt at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._shut_until = 0.0

    def wait(self) -> float:
        """Return the seconds until the next attempt is checked, 0 if it is checked now."""
        return max(0.0, self._shut_until - self._clock())

    def opens(self, given: str, expected: str) -> bool:
        """Return whether an attempt succeeds. During a wait none does, not even with the right password."""
        with self._lock:
            if not expected or self.wait() > 0:
                return False
            # `compare_digest` leaks the lengths of its arguments; digests all have one length.
            if hmac.compare_digest(_digest(given), _digest(expected)):
                self._failures = 0
                return True
            self._failures += 1
            if self._failures >= FREE:
                seconds = SHORTEST * 2.0 ** min(self._failures - FREE, 16)
                self._shut_until = self._clock() + min(seconds, LONGEST)
            return False


def expected() -> str:
    """Return the curator's password, empty if the curator's page is off."""
    return os.environ.get(VARIABLE, "")


def inside() -> bool:
    """Return whether this session entered with the current password."""
    password = expected()
    return bool(password) and hmac.compare_digest(st.session_state.get(_SESSION, b""), _digest(password))


def enter(given: str) -> bool:
    """Try a password for this session. Return whether it is right."""
    password = expected()
    if not door().opens(given, password):
        return False
    st.session_state[_SESSION] = _digest(password)
    return True


def leave() -> None:
    """End the curator's access of this session."""
    st.session_state.pop(_SESSION, None)


@st.cache_resource(show_spinner=False)
def door() -> Door:
    """Return the single `Door` of this server."""
    return Door()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

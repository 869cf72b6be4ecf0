"""What every child process of ours shares: how its interpreter starts, what it knows, how it is limited.

The standard library only: a child imports this before its limits are set.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

_KEPT = (
    "PATH PYTHONPATH SYSTEMROOT LANG LC_ALL LC_CTYPE TZ TMPDIR LD_LIBRARY_PATH SSL_CERT_FILE SSL_CERT_DIR"
).split()
"""Variables that an interpreter and its libraries need. No other reaches a child: one may hold a key."""

_ALONE = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "PYDANTIC_DISABLE_PLUGINS": "1",
}
"""One thread a library: each would reserve memory for as many threads as the machine has processors.

pydantic looks for plugins in every installed package, which takes as long as its import.
"""


def command(module: str, *arguments: str) -> Sequence[str]:
    """Return the command of a module of ours in a new interpreter, which imports nothing from the folder."""
    return (sys.executable, "-P", "-m", module, *arguments)


def environment() -> dict[str, str]:
    """Return the environment of a child."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | _ALONE


def limit(limits: Mapping[str, int | tuple[int, int]]) -> None:
    """Limit this process: the name of each resource after `RLIMIT_`, its soft and hard limit or both in one.

    A limit that an administrator set lower stays. A resource that this system does not know has no limit:
    on Windows, the parent's clock is the only one.
    """
    try:
        import resource
    except ImportError:
        return
    for name, given in limits.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        if which is None:
            continue
        soft, hard = given if isinstance(given, tuple) else (given, given)
        _, most = resource.getrlimit(which)
        free = most == resource.RLIM_INFINITY  # an ordinary user may not raise a hard limit
        resource.setrlimit(which, (soft, hard) if free else (min(soft, most), min(hard, most)))

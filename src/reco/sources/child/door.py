"""The one door to the readers: a task is done in a child process, and what it gives is yielded here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

from reco.sources.child import parent
from reco.sources.child.main import TASKS
from reco.sources.child.wire import Answer, Item, Request
from reco.sources.config import SourceConfig

Runner = Callable[[Request, SourceConfig], Iterator[Item]]


def here(request: Request, config: SourceConfig) -> Iterator[Item]:
    """Do a task in this process, without limits. For tests, which replace what a reader uses."""
    tasks = import_module(TASKS)
    return cast("Iterator[Item]", tasks.run(request))


runner: Runner = parent.apart
"""How tasks are done. Only tests set `here`."""


def ask(
    task: str,
    config: SourceConfig,
    cache: Path | None = None,
    arguments: Mapping[str, object] | None = None,
) -> Iterator[Item]:
    """Do a task on a source, and yield what it gives. Raises `RecoError` while iterating."""
    settings = config.model_dump(exclude_unset=True)
    return runner(
        Request(task, settings, str(cache) if cache is not None else None, dict(arguments or {})), config
    )


def answer(items: Iterable[Item]) -> object:
    """Return the value that a task ends with, None without one. Raises `RecoError`."""
    found = [item for item in items if isinstance(item, Answer)]
    return found[-1].value if found else None

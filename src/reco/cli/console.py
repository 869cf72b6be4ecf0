"""What every command shares: errors with their exit codes, notes and progress on standard error."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from reco.cli import logs
from reco.errors import InvalidInput, RecoError

logger = logging.getLogger(__name__)


def run(work: Callable[[], None], as_json: bool) -> None:
    """Do the work of a command; say any failure in one sentence and exit with its code."""
    try:
        work()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has had enough: `reco changes | head`. What is left in the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except RecoError as error:
        fail(error, as_json)
    except KeyboardInterrupt:
        fail(RecoError("Interrupted.", "What is served is whole; run the command again."), as_json)
    except Exception as error:
        logger.exception("unexpected failure")
        fail(
            RecoError(f"Unexpected failure: {type(error).__name__}: {error}", "The trace is above."), as_json
        )


def fail(error: RecoError, as_json: bool) -> NoReturn:
    """Print an error and exit with its code."""
    if as_json:
        show_json({"error": str(error), "hint": error.hint})
    if _for_machines():
        logger.error("%s", f"{error} {error.hint}".strip())
    elif not as_json:
        print(f"{error}\n{error.hint}".strip(), file=sys.stderr)
    raise SystemExit(error.exit_code)


def note(text: str) -> None:
    """Say something beside the result."""
    if text and _for_machines():
        logger.warning("%s", text)
    elif text:
        print(text, file=sys.stderr)


def _for_machines() -> bool:
    try:
        return logs.as_json()
    except InvalidInput:  # which is what is being said
        return False


def show_json(value: Any) -> None:
    """Print one JSON document on standard output; a lone surrogate, which no output can hold, is escaped."""
    document = json.dumps(value, ensure_ascii=False, indent=2)
    print(document.encode("utf-8", "backslashreplace").decode())


def show_report(report: Mapping[str, Any], as_json: bool) -> None:
    """Print a flat report, one figure a line unless JSON is asked for."""
    if as_json:
        show_json(report)
        return
    for name, value in report.items():
        print(f"{name.replace('_', ' '):>20}  {_said(value)}".rstrip())


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "-"
    if isinstance(value, tuple | list):
        return f"\n{'':22}".join(map(str, value)) or "none"
    return str(value)


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a callback that draws a bar on standard error once there is something to show."""
    if _for_machines():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task: list[Any] = []

        def advance(done: int, total: int) -> None:
            if not task:
                task.append(bar.add_task(label, total=total))
            bar.update(task[0], completed=done, total=total)

        yield advance

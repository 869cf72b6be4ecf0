"""Error handling and printing, shared by all commands."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

from reco.cli import logs
from reco.errors import InvalidInput, RecoError

logger = logging.getLogger(__name__)


def run(work: Callable[[], object], as_json: bool) -> None:
    """Call `work`. On a failure, print the error with its hint and exit with its code."""
    try:
        work()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader closed the pipe, as in `reco changes | head`: drop the rest of the buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except typer.Exit as done:
        raise SystemExit(done.exit_code) from None
    except typer.TyperException as usage:
        fail(InvalidInput(usage.format_message(), "See `reco --help`."), as_json)
    except RecoError as error:
        fail(error, as_json)
    except KeyboardInterrupt:
        fail(RecoError("Interrupted.", "The served snapshot is intact; run the command again."), as_json)
    except Exception as error:
        logger.exception("unexpected failure")
        fail(
            RecoError(f"Unexpected failure: {type(error).__name__}: {error}", "See the trace above."), as_json
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
    """Print a remark on standard error, or log it as a warning. An empty text prints nothing."""
    if text and _for_machines():
        logger.warning("%s", text)
    elif text:
        print(text, file=sys.stderr)


def _for_machines() -> bool:
    try:
        return logs.as_json()
    except InvalidInput:  # this is the error that `fail` is printing
        return False


def show(document: Any, as_json: bool, text: Callable[[], None] | None = None) -> None:
    """Print a document as JSON if `as_json`, else call `text`, or print one field a line if it is None."""
    if as_json:
        show_json(document)
    elif text is not None:
        text()
    else:
        _show_fields(document)


def show_json(value: Any) -> None:
    """Print one JSON document on standard output. Lone surrogates are escaped, since UTF-8 has none."""
    document = json.dumps(value, ensure_ascii=False, indent=2)
    print(document.encode("utf-8", "backslashreplace").decode())


def _show_fields(report: Mapping[str, Any]) -> None:
    for name, value in report.items():
        print(f"{name.replace('_', ' '):>20}  {_field(value)}".rstrip())


def _field(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "-"
    if isinstance(value, tuple | list):
        return f"\n{'':22}".join(map(str, value)) or "none"
    return str(value)


def show_table(rows: Iterable[Sequence[str]], header: Sequence[str] = ()) -> None:
    """Print a table without borders. Markup in cells is printed as it is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, show_header=bool(header), box=None)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def show_line(text: str, style: str = "") -> None:
    """Print a styled line, wrapped to the width of the terminal."""
    from rich.console import Console
    from rich.text import Text

    Console().print(Text(text, style=style))


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a callback `(done, total)` that draws a bar on standard error, from its first call."""
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

"""A progress bar, on a terminal only."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def bar(what: str, total: float | None, show: bool | None = None) -> Iterator[Callable[[float], None] | None]:
    """Yields a function that is told how far the work is, or None where nobody would see it."""
    if show is None:
        show = sys.stderr is not None and sys.stderr.isatty()
    if not show:
        yield None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        yield None
        return
    columns = [TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()]
    if total is None or total > 1:
        columns.insert(2, MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)

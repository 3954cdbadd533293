"""Progress: told to the caller's function, else shown as a bar where there is a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Protocol

from ._errors import InvalidArgument

Show = bool | Callable[[float | None, str], object] | None


class Tell(Protocol):
    """How far the work is, in units of `total`; `detail` says what it is at."""

    def __call__(self, done: float, detail: str | None = None) -> object: ...


@contextlib.contextmanager
def bar(what: str, total: float | None, show: Show = None) -> Iterator[Tell | None]:
    """Yields the function to tell, or None where nobody would hear it."""
    if show is None:
        show = sys.stderr is not None and sys.stderr.isatty()
    if callable(show):
        listener = show

        def call(done: float, detail: str | None = None) -> object:
            return listener(done / total if total else None, detail or what)

        yield call
        return
    if not isinstance(show, bool):
        raise InvalidArgument(f"progress must be True, False, None or callable, not {type(show).__name__}")
    if not show:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()]
    if total is None or total > 1:
        columns.insert(2, MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)

        def draw(done: float, detail: str | None = None) -> None:
            progress.update(task, completed=done)

        yield draw

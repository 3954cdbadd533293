"""Context: threads and limits of everything made in it. Most programs never see one."""

from __future__ import annotations

import threading
from typing import NamedTuple

from . import _core


class Memory(NamedTuple):
    live: int
    peak: int


class Context:
    """Threads and limits for everything made in it; pass it to `octavo.load`.

    `threads`: of sessions that do not say otherwise; 0 is one for each processor. Limits are what a model file or an input
    may make the library do: bytes of tensors and scratch, of a file, of folded constants, number of nodes, bytes of a name.
    Exceeding one raises `octavo.Error` (a MemoryError) that names it.
    """

    def __init__(
        self,
        threads: int = 0,
        *,
        memory_limit: int | None = None,
        file_limit: int | None = None,
        fold_limit: int | None = None,
        node_limit: int | None = None,
        string_limit: int | None = None,
    ):
        self._core = _core.Context(threads, memory_limit, file_limit, fold_limit, node_limit, string_limit)

    @property
    def memory(self) -> Memory:
        """Bytes of tensors, weights and scratch: those that live now, and the most that ever lived."""
        return Memory(*self._core.memory())

    def close(self) -> None:
        """Objects made in the context stay usable."""
        self._core.close()

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_lock = threading.Lock()
_default: Context | None = None


def default() -> Context:
    """The one used when none is given."""
    global _default
    with _lock:
        if _default is None:
            _default = Context()
        return _default

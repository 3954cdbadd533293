"""Context: threads, limits and log of everything made in it; Cancel: how another thread stops work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

from . import _check, _core
from ._errors import InvalidArgument

_LEVELS = {1: logging.WARNING, 2: logging.INFO, 3: logging.DEBUG}  # enum octavo_log_level -> Python's numbers


class Memory(NamedTuple):
    """Bytes of tensors, weights and scratch: `live` now, `peak` the most that ever lived."""

    live: int
    peak: int


class Context:
    """Threads, limits and log for everything made in it; pass it to `octavo.load`. Most programs never need one.

    Args:
        threads: of sessions and calibrators that do not say otherwise, the calling one included; 0 is one for each
            processor, 1024 the most.
        memory_limit: live bytes of all tensors, weights and scratch. None: no limit.
        file_limit: bytes of a model file, and of each external data file. None: 1 TiB.
        fold_limit: bytes of all constants that simplifying one model makes. None: 64 MiB.
        node_limit: nodes of a model. None: 1 000 000.
        string_limit: bytes of a name in a model. None: 65 536.
        log: called as log(level, message) with what the library does; level as in module `logging`, so that
            `logging.getLogger("octavo").log` will do. Called on the thread that works; must not call octavo. What it
            raises goes to `sys.unraisablehook`.
        log_level: messages below this are not told; of module `logging`: WARNING, INFO or DEBUG.

    Exceeding a limit raises `octavo.Error` with code LIMIT (a MemoryError) that names it. All are safe to share between
    threads.
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
        log: Callable[[int, str], object] | None = None,
        log_level: int = logging.INFO,
    ):
        if log is not None and not callable(log):
            raise InvalidArgument(f"log must be callable, not {type(log).__name__}")
        wanted = _check.integer("log_level", log_level)
        level = max((ours for ours, python in _LEVELS.items() if python >= wanted), default=1)
        self._core = _core.Context(
            _check.integer("threads", threads),
            _check.optional_integer("memory_limit", memory_limit, 64),
            _check.optional_integer("file_limit", file_limit, 64),
            _check.optional_integer("fold_limit", fold_limit, 64),
            _check.optional_integer("node_limit", node_limit, 64),
            _check.optional_integer("string_limit", string_limit, 64),
            None if log is None else lambda level, message: log(_LEVELS.get(level, level), message),
            level,
        )

    @property
    def memory(self) -> Memory:
        """Bytes of tensors, weights and scratch: those that live now, and the most that ever lived."""
        return Memory(*self._core.memory())

    def close(self) -> None:
        """Objects made in the context stay usable. May be called more than once."""
        self._core.close()

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Cancel:
    """A flag that stops long work from another thread: give it to `run`, `collect`, `calibrate`, `quantize` or `report`
    as `cancel=`, and call `request`. The work raises `octavo.Error` with code CANCELLED soon and leaves everything
    usable. One flag may be given to any number of calls.
    """

    def __init__(self) -> None:
        self._core = _core.Cancel()

    def request(self) -> None:
        """Raises the flag. It stays raised until `reset`."""
        self._core.request()

    def reset(self) -> None:
        """Lowers the flag, so that it can be used again."""
        self._core.reset()

    @property
    def requested(self) -> bool:
        """Whether the flag is raised."""
        return self._core.requested()


def wish(cancel: Cancel | None) -> _core.Cancel | None:
    """What the extension module takes for `cancel`."""
    return None if cancel is None else _check.instance("cancel", cancel, Cancel)._core


def on_main_thread() -> bool:
    """Whether Ctrl-C can be seen from here: Python's signal handlers run on the main thread only."""
    return threading.get_ident() == threading.main_thread().ident


_lock = threading.Lock()
_default: Context | None = None


def default() -> Context:
    """The one used when none is given."""
    global _default
    with _lock:
        if _default is None:
            _default = Context()
        return _default


def chosen(context: Context | None) -> Context:
    """`context`, or the default for None."""
    return default() if context is None else _check.instance("context", context, Context)

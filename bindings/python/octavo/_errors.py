"""octavo.Error and what it also is: ValueError, OSError or MemoryError, as fits."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What `Error.code` holds: the octavo_status of the C library."""

    OK = 0
    INVALID_ARGUMENT = 1
    INVALID_STATE = 2
    NOT_FOUND = 3
    INVALID_MODEL = 64
    UNSUPPORTED = 65
    INVALID_DATA = 66
    OUT_OF_MEMORY = 128
    IO = 129
    LIMIT = 130
    INTERNAL = 131
    FORKED = 132
    CANCELLED = 192


class Error(Exception):
    """Something failed. `code` is a Status (or a plain int that this release does not know yet)."""

    code: int = Status.INTERNAL

    def __init__(self, message: str, code: int | None = None):
        super().__init__(message)
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self):
        return _restore, (type(self), str(self), int(self.code))


class InvalidArgument(Error, ValueError):
    code = Status.INVALID_ARGUMENT


class InvalidState(Error, ValueError):
    code = Status.INVALID_STATE


class NotFound(Error, ValueError):
    code = Status.NOT_FOUND


class InvalidModel(Error, ValueError):
    code = Status.INVALID_MODEL


class Unsupported(Error, ValueError):
    code = Status.UNSUPPORTED


class InvalidData(Error, ValueError):
    code = Status.INVALID_DATA


class OutOfMemory(Error, MemoryError):
    code = Status.OUT_OF_MEMORY


class FileError(Error, OSError):
    code = Status.IO


class MissingFile(FileError, FileNotFoundError):
    pass


class LimitExceeded(Error, MemoryError):
    code = Status.LIMIT


class Cancelled(Error):
    code = Status.CANCELLED


_CLASSES: dict[int, type[Error]] = {
    int(c.code): c
    for c in (
        InvalidArgument,
        InvalidState,
        NotFound,
        InvalidModel,
        Unsupported,
        InvalidData,
        OutOfMemory,
        FileError,
        LimitExceeded,
        Cancelled,
    )
}


def _restore(cls: type[Error], message: str, code: int) -> Error:
    return cls(message, _status(code))


def _status(code: int) -> int:
    try:
        return Status(code)
    except ValueError:
        return code


def make(code: int, message: str) -> Error:
    """The exception for a status of the C library. Called by the extension module."""
    cls = _CLASSES.get(code)
    if cls is None:  # a status of a later release: its range tells what kind it is
        cls = InvalidArgument if 0 < code < 64 else InvalidData if code < 128 else Error
    return cls(message, _status(code))

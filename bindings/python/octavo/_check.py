"""Arguments that the extension module must not be surprised by: octavo.Error names them, what was found and what is allowed."""

from __future__ import annotations

import operator
import os
from typing import Any, TypeVar

from ._errors import InvalidArgument

T = TypeVar("T")


def instance(name: str, value: Any, kind: type[T]) -> T:
    """`value`, if it is one of the package's own objects of this kind."""
    if not isinstance(value, kind):
        raise InvalidArgument(f"{name} must be an octavo.{kind.__name__}, not {type(value).__name__}")
    return value


def integer(name: str, value: Any, bits: int = 32) -> int:
    """`value` as an int that a signed C integer of `bits` bits holds."""
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidArgument(f"{name} must be an integer, not {type(value).__name__}") from None
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise InvalidArgument(f"{name} is {number}, which {bits} bits do not hold")
    return number


def optional_integer(name: str, value: Any, bits: int = 32) -> int | None:
    """The same where None stands for the default."""
    return None if value is None else integer(name, value, bits)


def number(name: str, value: Any) -> float:
    """`value` as a float."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidArgument(f"{name} must be a number, not {type(value).__name__}") from None


def text(name: str, value: Any) -> str:
    """`value`, if it is text that C can read: UTF-8 without a zero byte."""
    if not isinstance(value, str):
        raise InvalidArgument(f"{name} must be text, not {type(value).__name__}")
    if "\0" in value:
        raise InvalidArgument(f"{name} holds a zero byte")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidArgument(f"{name} {value!r} is not UTF-8") from None
    return value


def optional_text(name: str, value: Any) -> str | None:
    """The same where None stands for the default."""
    return None if value is None else text(name, value)


def path(value: Any) -> str:
    """A path as the C library takes it: UTF-8."""
    try:
        return text("the path", os.fsdecode(value))
    except TypeError:
        raise InvalidArgument(f"a path must be str, bytes or os.PathLike, not {type(value).__name__}") from None

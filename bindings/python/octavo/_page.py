"""Figures that are also a web page: saving them, showing them in notebooks."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

from . import _check
from ._errors import FileError, InvalidArgument


def save(what: str, path: str | os.PathLike[str], figures: Any, html: str) -> None:
    """Writes `html` or, as JSON, `figures`, by the name's end. `what` is the thing's name in errors."""
    target = pathlib.Path(_check.path(path))
    kind = target.suffix.lower()
    if kind not in (".html", ".htm", ".json"):
        raise InvalidArgument(f"a {what} is saved as .html or .json, not '{target.name}'")
    try:
        target.write_text(json.dumps(figures, indent=1) + "\n" if kind == ".json" else html, encoding="utf-8")
    except OSError as e:
        raise FileError(f"{target}: {e.strerror or e}") from e


def frame(html: str) -> str:
    """The page inside of another one."""
    inner = html.replace("&", "&amp;").replace('"', "&quot;")
    return f'<iframe srcdoc="{inner}" width="100%" height="600"></iframe>'

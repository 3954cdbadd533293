"""Where the time of a run goes, step by step."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import _page


class Step(NamedTuple):
    """One step of a profile; macs (multiply-accumulates) and bytes (read and written) are those of one run, seconds those
    of the shortest, the one disturbed least. `kernel` names the code chosen; `reason` is None for INT8 steps, else a code
    why the step runs in float, and `sentence` says it in words where there are some. `share_of_peak` is that of
    `Profile.peak`, 0 to 1; None where macs is 0."""

    name: str
    op: str
    kernel: str
    precision: str
    reason: str | None
    seconds: float
    macs: float
    bytes: float
    share_of_peak: float | None = None
    sentence: str | None = None


class Profile:
    """Time of each step; print it for a table. Made by `octavo.profile` and `Session.profile`.

    Attributes: `cpu_target`, `threads`, `steps` (a list of `Step`, in the order they run), and `peak`, a dict: what the
    threads can multiply at most as "int8" and as "float32", multiply-accumulates a second, measured right after the runs.
    """

    def __init__(self, figures: Mapping[str, Any], html: str):
        self.cpu_target: str = figures["cpu_target"]
        self.threads: int = figures["threads"]
        self.peak: dict[str, float] = figures["peak"]
        self._html = html
        self.steps = [
            Step(**{**{k: s[k] for k in Step._fields}, "seconds": s["least_seconds"]}) for s in figures["steps"]
        ]

    @property
    def seconds(self) -> float:
        """Of one run, each step at its fastest."""
        return sum(step.seconds for step in self.steps)

    @property
    def share_of_peak(self) -> float:
        """Of the whole run, 0 to 1: the time that its multiplications take at the peak, over the time it took."""
        return sum((s.share_of_peak or 0.0) * s.seconds for s in self.steps) / (self.seconds or 1.0)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data: "cpu_target", "threads", "seconds", "peak", "share_of_peak" and "steps"."""
        return {
            "cpu_target": self.cpu_target,
            "threads": self.threads,
            "seconds": self.seconds,
            "peak": self.peak,
            "share_of_peak": self.share_of_peak,
            "steps": [step._asdict() for step in self.steps],
        }

    def to_html(self) -> str:
        """The same as one web page with a timeline, which needs nothing else."""
        return self._html

    def save(self, path: str | os.PathLike[str]) -> None:
        """As a web page (.html) or JSON (.json), by the name's end. Raises `octavo.Error` with code IO (an OSError)."""
        _page.save("profile", path, self.to_dict(), self._html)

    def rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Heads of columns and the text of a table, a row for each step."""
        total = self.seconds or 1.0
        head = ("step", "operator", "kernel", "precision", "us", "%", "GMAC/s", "of peak", "kB moved", "why float")
        return head, [
            (
                s.name,
                s.op,
                s.kernel,
                s.precision,
                f"{s.seconds * 1e6:.1f}",
                f"{100 * s.seconds / total:.1f}",
                f"{s.macs / s.seconds / 1e9:.1f}" if s.seconds and s.macs else "",
                "" if s.share_of_peak is None else f"{100 * s.share_of_peak:.0f} %",
                f"{s.bytes / 1e3:.1f}",
                s.reason or "",
            )
            for s in self.steps
        ]

    def summary(self) -> str:
        """One line: the time of a run, what ran it, and how near to the peak it came."""
        plural = "" if self.threads == 1 else "s"
        return (
            f"{self.seconds * 1e6:.1f} us a run on {self.cpu_target}, {self.threads} thread{plural}, "
            f"{100 * self.share_of_peak:.0f} % of the peak ({self.peak['int8'] / 1e9:.0f} GMAC/s in INT8, "
            f"{self.peak['float32'] / 1e9:.0f} in float32)"
        )

    def __repr__(self) -> str:
        head, rows = self.rows()
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        right = range(4, 9)
        lines = [
            "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip()
            for row in [head, *rows]
        ]
        return "\n".join([*lines, self.summary()])

    def _repr_html_(self) -> str:
        return _page.frame(self._html)

"""Where the time of a run goes, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Step(NamedTuple):
    """One step of a profile; seconds, macs (multiply-accumulates) and bytes (read and written) are those of one run.
    `kernel` names the code chosen; `reason` is None for INT8 steps, else a code why the step runs in float."""

    name: str
    op: str
    kernel: str
    precision: str
    reason: str | None
    seconds: float
    macs: float
    bytes: float


class Profile:
    """Time of each step; print it for a table. Made by `octavo.profile` and `Session.profile`.

    Attributes: `cpu_target`, `threads`, `steps` (a list of `Step`, in the order they run).
    """

    def __init__(self, figures: Mapping[str, Any]):
        self.cpu_target: str = figures["cpu_target"]
        self.threads: int = figures["threads"]
        self.steps = [
            Step(
                s["name"],
                s["op"],
                s["kernel"],
                s["precision"],
                s["reason"],
                s["seconds"] / max(1, s["runs"]),
                s["macs"],
                s["bytes"],
            )
            for s in figures["steps"]
        ]

    @property
    def seconds(self) -> float:
        """Of one run, all steps together."""
        return sum(step.seconds for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data: "cpu_target", "threads", "seconds" and "steps"."""
        return {
            "cpu_target": self.cpu_target,
            "threads": self.threads,
            "seconds": self.seconds,
            "steps": [step._asdict() for step in self.steps],
        }

    def __repr__(self) -> str:
        total = self.seconds or 1.0
        head = ("step", "operator", "kernel", "precision", "us", "%", "GMAC/s", "why float")
        rows = [
            (
                s.name,
                s.op,
                s.kernel,
                s.precision,
                f"{s.seconds * 1e6:.1f}",
                f"{100 * s.seconds / total:.1f}",
                f"{s.macs / s.seconds / 1e9:.1f}" if s.seconds and s.macs else "",
                s.reason or "",
            )
            for s in self.steps
        ]
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        right = {4, 5, 6}
        lines = [
            "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip()
            for row in [head, *rows]
        ]
        plural = "" if self.threads == 1 else "s"
        lines.append(f"{self.seconds * 1e6:.1f} us a run on {self.cpu_target}, {self.threads} thread{plural}")
        return "\n".join(lines)

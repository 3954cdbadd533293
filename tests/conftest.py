"""For all Python tests: tables of figures, printed when the run ends and kept in build/acceptance."""

import json

import pytest
from support import shared

_tables = {}


class Table:
    """Rows of figures under a title."""

    def __init__(self, title):
        self.rows = _tables.setdefault(title, {})

    def add(self, row, **figures):
        self.rows.setdefault(row, {}).update(figures)


@pytest.fixture(scope="session")
def table():
    """table("title").add("row", column=value, ...)"""
    return Table


def _text(value):
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def pytest_terminal_summary(terminalreporter):
    for title, rows in _tables.items():
        columns = list(dict.fromkeys(c for row in rows.values() for c in row))
        lines = [["", *columns], *([name, *(_text(row.get(c)) for c in columns)] for name, row in rows.items())]
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns) + 1)]
        terminalreporter.section(title)
        for line in lines:
            first, *rest = (cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths)))
            terminalreporter.write_line("  ".join([first, *rest]))
        shared.CACHE.mkdir(parents=True, exist_ok=True)
        kept = shared.CACHE / f"{title.split(':')[0].replace(' ', '_')}.json"
        kept.write_text(json.dumps(rows, indent=1, default=str) + "\n", encoding="utf-8")

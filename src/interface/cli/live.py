"""A run on the terminal while it happens: a live table for people, plain lines where nobody watches. On stderr: stdout is for results."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import Final, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from interface.cli.happenings import Happening
from interface.cli.printing import money
from interface.cli.progress import Progress, Visit, alert

_ROWS: Final = 16
_TEXT_LINES: Final = 4
_LOOKS: Final = {
    "running": ("", "yellow"),
    "finished": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "retrying": ("↻", "magenta"),
    "waiting": ("…", "cyan"),
    "cancelled": ("-", "dim"),
}


class Display(Protocol):
    def see(self, happening: Happening) -> None: ...


@contextmanager
def display(title: str) -> Iterator[Display]:
    """Shows a run until the block ends; what stood there last stays."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainLines()
        return
    table = LiveTable(title)
    with Live(table, console=console, refresh_per_second=12, transient=False):
        yield table


class PlainLines:
    """A line for everything that begins, ends or waits."""

    def __init__(self) -> None:
        self._progress = Progress()

    def see(self, happening: Happening) -> None:
        before = self._progress.status
        visit = self._progress.see(happening)
        if visit is not None:
            print(_line(visit), file=sys.stderr, flush=True)
        elif happening.name == "budget_alert":
            print(alert(happening.data), file=sys.stderr, flush=True)
        elif self._progress.status != before:
            print(f"run {self._progress.status}", file=sys.stderr, flush=True)


def _line(visit: Visit) -> str:
    took = "" if visit.seconds is None else f" in {visit.seconds:.2f} s"
    tokens = f", {visit.tokens} tokens" if visit.tokens else ""
    note = f": {visit.said or visit.note}" if visit.said or visit.note else ""
    return f"{visit.status} {visit.label}{took}{tokens}{note}"


class LiveTable:
    """Drawn by a thread of rich's while news come in: a lock keeps the two apart."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._began = monotonic()
        self._progress = Progress()
        self._lock = Lock()
        self._spinners: dict[str, Spinner] = {}

    def see(self, happening: Happening) -> None:
        with self._lock:
            self._progress.see(happening)

    def __rich__(self) -> RenderableType:
        with self._lock:
            return Group(self._headline(), self._table(), *self._speech(), *self._budgets(), self._totals())

    def _headline(self) -> Text:
        return Text.assemble((self._title, "bold"), "  ", (self._progress.status, _colour(self._progress.status)))

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for visit in self._shown():
            colour = _LOOKS[visit.status][1]
            took = visit.seconds if visit.seconds is not None else monotonic() - visit.since
            tokens = f"{visit.tokens} tokens" if visit.tokens else ""
            table.add_row(
                self._mark(visit),
                Text(visit.label, colour),
                Text(f"{took:.1f} s", "dim"),
                Text(tokens, "dim"),
                Text(visit.said or visit.note, "dim"),
            )
        return table

    def _shown(self) -> list[Visit]:
        """The last heard of; where there are more, those that still run come before those that are over."""
        visits = list(self._progress.visits.values())
        if len(visits) <= _ROWS:
            return sorted(visits, key=lambda visit: visit.since)
        visits.sort(key=lambda visit: visit.status in ("running", "retrying"))
        return visits[-_ROWS:]

    def _mark(self, visit: Visit) -> RenderableType:
        mark, colour = _LOOKS[visit.status]
        if visit.status != "running":
            self._spinners.pop(visit.path, None)
            return Text(mark, colour)
        return self._spinners.setdefault(visit.path, Spinner("dots", style=colour))

    def _speech(self) -> Iterator[RenderableType]:
        if self._progress.text:
            lines = self._progress.text.rstrip().splitlines()[-_TEXT_LINES:]
            yield Text("\n".join(f"  {line[-200:]}" for line in lines), "italic")

    def _budgets(self) -> Iterator[RenderableType]:
        for line in self._progress.budgets.values():
            yield Text(line, "magenta")

    def _totals(self) -> Text:
        progress = self._progress
        counts = [f"{number} {status}" for status, number in progress.counts.items() if number]
        spent = [f"{progress.tokens} tokens", money(progress.cost, progress.currency)] if progress.calls else []
        return Text(" · ".join([*counts, *spent, f"{monotonic() - self._began:.1f} s"]), "dim")


def _colour(status: str) -> str:
    return {"completed": "green", "failed": "bold red", "cancelled": "magenta"}.get(status, "yellow")

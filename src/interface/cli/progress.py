"""Where a run stands, told by what happens to it: the visits of its nodes, the text that streams, tokens and cost."""

from dataclasses import dataclass, field
from decimal import Decimal
from time import monotonic
from typing import Final

from interface.cli.happenings import Happening, Members

KEPT_TEXT: Final = 2_000
KEPT_PROGRESS: Final = 120
_STATUS: Final = {
    "started": "running",
    "node_finished": "finished",
    "terminated": "finished",
    "node_failed": "failed",
    "attempt_failed": "retrying",
    "frames_opened": "running",
    "node_parked": "waiting",
    "effect_finished": "running",
    "usage_counted": "cancelled",
}

_PAUSED: Final = {"pause_requested": "paused", "resumed": "running"}


@dataclass(slots=True)
class Visit:
    """`since`: when it was first heard of, on the monotonic clock; `seconds`: how long it took, once it is over."""

    path: str
    status: str
    since: float
    seconds: float | None = None
    tokens: int = 0
    note: str = ""
    said: str = ""
    """How far its tool is, while it runs."""

    @property
    def label(self) -> str:
        """`/review#1[2]/draft#3` reads `review[2] > draft (3)`: first visits go without saying."""
        return " > ".join(_part(part) for part in self.path.strip("/").split("/"))


def _part(written: str) -> str:
    node, _, rest = written.partition("#")
    visit, bracket, item = rest.partition("[")
    return node + (f" ({visit})" if visit != "1" else "") + (bracket + item)


@dataclass(slots=True)
class Progress:
    """`visits` in the order in which each was last heard of. `text`: the newest of what a model is saying, and `speaker` where."""

    visits: dict[str, Visit] = field(default_factory=dict)
    status: str = "queued"
    tokens: int = 0
    calls: int = 0
    cost: Decimal = Decimal(0)
    currency: str = "USD"
    speaker: str = ""
    text: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    budgets: dict[tuple[str, str], str] = field(default_factory=dict)
    """Of each account of a budget that passed a mark, what was heard of it last."""

    def see(self, happening: Happening) -> Visit | None:
        """The visit that changed, if one did."""
        name, data = happening.name, happening.data
        if name == "chunk":
            self._speak(data["activation"], data["text"])
        elif name == "progress":
            self._told(data["activation"], data["text"])
        elif name in ("run_started", "run_ended", "end"):
            self.status = data.get("status", "running")
        elif name in _PAUSED:
            self.status = _PAUSED[name]
        elif name == "budget_alert":
            self.budgets[data["budget"], data["subject"]] = alert(data)
        elif name == "run_migrated":
            self._rename(data["paths"])
        visit = self._visited(name, data) if name in _STATUS else None
        for path in data.get("cancelled", ()):
            self._move(path, "cancelled")
        if data.get("usage"):
            self._count(data["usage"], visit)
        return visit

    def _visited(self, name: str, data: Members) -> Visit:
        visit = self._move(data["activation"], _STATUS[name])
        if name == "frames_opened":
            visit.note = f"{len(data['inputs'])} items" if data.get("is_map") else "inner workflow"
        elif name == "node_parked":
            visit.note = " ".join([f"for {data['waiting_for']}", ", ".join(data.get("signals", ()))]).rstrip()
        elif data.get("failure"):
            visit.note = f"{data['failure']['message']} ({data['failure']['code']})"
        if visit.status in ("finished", "failed"):
            visit.seconds = data.get("seconds", monotonic() - visit.since)
            self._fall_silent(visit.path)
        return visit

    def _rename(self, paths: Members) -> None:
        """Those under way go on under other paths, in their places."""
        for visit in self.visits.values():
            visit.path = paths.get(visit.path, visit.path)
        self.visits = {visit.path: visit for visit in self.visits.values()}

    def _move(self, path: str, status: str) -> Visit:
        """Dicts keep the order of insertion: out and in again makes it the last heard of."""
        visit = self.visits.pop(path, None)
        if visit is None:
            visit = Visit(path, "", monotonic())
        else:
            self.counts[visit.status] -= 1
        self.visits[path] = visit
        self.counts[status] = self.counts.get(status, 0) + 1
        visit.status, visit.said = status, ""
        return visit

    def _speak(self, path: str, text: str) -> None:
        if path not in self.visits:
            self._move(path, "running")  # its start passed by before anybody listened
        if path != self.speaker:
            self.speaker, self.text = path, ""
        self.text = (self.text + text)[-KEPT_TEXT:]

    def _told(self, path: str, text: str) -> None:
        if path not in self.visits:
            self._move(path, "running")  # its start passed by before anybody listened
        visit = self.visits[path]
        visit.said = " ".join(text.split())[:KEPT_PROGRESS] if visit.status == "running" else ""

    def _fall_silent(self, path: str) -> None:
        if path == self.speaker:
            self.speaker = self.text = ""

    def _count(self, usage: Members, visit: Visit | None) -> None:
        for call in usage.get("earlier", ()):
            self._count(call, visit)
        tokens = usage["prompt_tokens"] + usage["completion_tokens"]
        self.tokens += tokens
        self.calls += 1
        if visit is not None:
            visit.tokens += tokens
        if usage.get("cost"):
            self.cost += Decimal(usage["cost"]["amount"])
            self.currency = usage["cost"]["currency"]


def alert(data: Members) -> str:
    """That a budget passed a mark."""
    whose = f" of {data['subject']}" if data["subject"] else ""
    return f"budget {data['name']}{whose} passed {data['percent']} %: {data['spent']} of {data['limit']} {data['unit']} are used up"

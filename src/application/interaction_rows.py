"""What rows of journals tell of a session: what was asked, answered, called and changed. Nothing of it is written a second time."""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from application.tool_nodes import TOOL
from domain.ids import ActivationPath, SessionId
from domain.ports.journal import Recorded
from domain.run import events
from domain.session import InteractionType, UserInteraction

Members: TypeAlias = dict[str, Any]
"""An event as its row keeps it."""
ToolAt: TypeAlias = Callable[[Recorded, ActivationPath], Awaitable[str | None]]
"""The tool that the node of an activation calls; None for a node of another kind."""
_Told: TypeAlias = tuple[InteractionType, Members]

REQUEST, RESPONSE = InteractionType.USER_REQUEST, InteractionType.SYSTEM_RESPONSE
EXECUTION, CHANGE = InteractionType.TOOL_EXECUTION, InteractionType.STATE_CHANGE


@dataclass(frozen=True, slots=True)
class Projection:
    session: SessionId
    tool_at: ToolAt

    async def __call__(self, row: Recorded) -> tuple[UserInteraction, ...]:
        """What a row tells, in order; mostly nothing."""
        if row.kind not in TELLING:
            return ()
        body: Members = json.loads(row.body)
        told = list(_TOLD[row.kind](body)) if row.kind in _TOLD else []
        if row.kind in _CALLS and (call := await self._call(row, body)) is not None:
            told.insert(0, (EXECUTION, call))
        return tuple(
            UserInteraction(_name(row, kind), self.session, row.thread, row.position, row.run, kind, content, row.at)
            for kind, content in told
        )

    async def _call(self, row: Recorded, body: Members) -> Members | None:
        """What became of a call, as far as the row knows. Of a tool that announces itself the announcement has the arguments."""
        path = ActivationPath(body["activation"])
        tool = _of_several(body) if row.kind == events.EffectFinished.kind else body.get("tool") or await self.tool_at(row, path)
        if tool is None:
            return None
        known = {name: body[name] for name in _CALLS[row.kind][1] if body.get(name) is not None}
        return {"tool": tool, "activation": path, "status": _CALLS[row.kind][0], **known}


def _of_several(body: Members) -> str | None:
    """The tool that an agent called; None of its other calls."""
    return str(body["name"]) if body["of"] == TOOL else None


def request_name(run: str) -> str:
    """Known before the row that tells it is there."""
    return f"{run}.request"


def response_name(run: str) -> str:
    return f"{run}.response"


def _name(row: Recorded, kind: InteractionType) -> str:
    if row.kind == events.RunStarted.kind:
        return request_name(row.run)
    if row.kind == events.RunEnded.kind:
        return response_name(row.run)
    return f"{row.thread}.{row.position}.{kind.value}"


def _asked(body: Members) -> Iterator[_Told]:
    yield REQUEST, body["input"]


def _ended(body: Members) -> Iterator[_Told]:
    yield RESPONSE, answer_of(body["status"], body["output"], body["failure"])


def answer_of(status: str, output: object, failure: Members | None) -> Members:
    """What a response says."""
    told = failure and {name: failure[name] for name in ("code", "message", "node", "attempt")}
    return {"status": status, "output": output, "error": told}


def _parked(body: Members) -> Iterator[_Told]:
    """A question to a person is what the system says; parking for anything else says nothing."""
    if body.get("about"):
        yield RESPONSE, {"status": "waiting", "activation": body["activation"], "waiting_for": body["waiting_for"], "about": body["about"]}


def _answered(body: Members) -> Iterator[_Told]:
    yield REQUEST, {"activation": body["activation"], "answer": body["answer"]}


def _finished(body: Members) -> Iterator[_Told]:
    """A node of the thread's own frame: what inner graphs write is gone with them."""
    if body["updates"] and body["activation"].count("/") == 1:
        yield CHANGE, {"activation": body["activation"], "updates": body["updates"]}


def _edited(body: Members) -> Iterator[_Told]:
    yield CHANGE, {name: body[name] for name in ("changes", "by", "reason", "to", "snapshot") if name in body}


_TOLD: Final[Mapping[str, Callable[[Members], Iterator[_Told]]]] = {
    events.RunStarted.kind: _asked,
    events.RunEnded.kind: _ended,
    events.NodeFinished.kind: _finished,
    events.NodeParked.kind: _parked,
    "answered": _answered,
    events.StateEdited.kind: _edited,
    events.StateRestored.kind: _edited,
}
_CALLS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    events.NodeFinished.kind: ("finished", ("seconds", "output")),
    events.NodeFailed.kind: ("failed", ("failure",)),
    events.AttemptFailed.kind: ("retrying", ("failure", "retry_at")),
    events.EffectIntended.kind: ("announced", ("arguments", "key")),
    events.EffectFinished.kind: ("called", ("effect", "output", "failure", "seconds")),
    events.EffectUnknown.kind: ("unknown", ("reason",)),
    events.EffectResolved.kind: ("resolved", ("decision", "by", "output", "reason")),
}
"""By kind of row: what it says of the call, and which of its members tell more."""
TELLING: Final = _TOLD.keys() | _CALLS.keys()

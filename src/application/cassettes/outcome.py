"""What came of a run, told from its rows."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from application.cassettes.documents import AnswerPart, SignalPart
from application.run_views import EventView, RunView
from domain.question import NOBODY
from domain.replay import Came, Visit, in_order
from domain.run.events import Answered, NodeFailed, NodeFinished, SignalReceived, Terminated

_ENDS = frozenset({NodeFinished.kind, NodeFailed.kind, Terminated.kind})


def came_of(run: RunView, rows: Sequence[EventView]) -> Came:
    visits = [
        Visit(row.said["activation"], row.position, tuple(row.said.get("consumed", ()))) for row in map(_Row, rows) if row.type in _ENDS
    ]
    usage, cost = run.usage, run.cost
    spent = (usage.prompt_tokens, usage.completion_tokens, Decimal(cost.amount), cost.currency, cost.unpriced_calls)
    return Came(run.status.value, in_order(visits), run.output, "" if run.error is None else run.error.code, usage.calls, *spent)


class _Row:
    """`said`: the row's own members."""

    def __init__(self, row: EventView) -> None:
        self.position, self.type = row.position, row.type
        self.said: dict[str, Any] = row.model_extra or {}


def answers_in(rows: Sequence[EventView]) -> tuple[AnswerPart, ...]:
    """Those that somebody gave; what a deadline answers it will answer again."""
    found = [row.said for row in map(_Row, rows) if row.type == Answered.kind and row.said["by"] != NOBODY]
    return tuple(AnswerPart(at=said["activation"], answer=said["answer"]) for said in found)


def signals_in(rows: Sequence[EventView]) -> tuple[SignalPart, ...]:
    return tuple(
        SignalPart(name=row.said["name"], payload=row.said["payload"]) for row in map(_Row, rows) if row.type == SignalReceived.kind
    )

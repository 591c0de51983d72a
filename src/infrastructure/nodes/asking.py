"""What `human` nodes and approvals have in common: whom they ask, until when, and what comes then."""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from domain.errors import NodeExecutionError
from domain.json import Json, JsonObject
from domain.ports.expressions import Value
from domain.ports.nodes import NodeContext, Park, Workshop
from domain.question import HUMAN, LATE, Escalation, OnDeadline, Question
from infrastructure.nodes.config import Name, NodeConfig
from infrastructure.nodes.findings import Findings
from infrastructure.nodes.times import NO_DURATION, duration_of, is_written

Seconds = int | float | Annotated[str, Field(min_length=1)]
_LATER: Final = "after_seconds"
_SOON: Final = "deadline_seconds"


class Escalate(NodeConfig):
    """After so long these may answer too. `after_seconds` is a value."""

    who: Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)]
    after_seconds: Seconds


class Asking(NodeConfig):
    """`who`: roles, or names of keys; without it whoever is an operator. `deadline_seconds` is a value."""

    # "" passes no schema, and so means that the key is not there.
    who: Annotated[tuple[Name, ...], Field(max_length=100)] | Name = ()
    deadline_seconds: Seconds = ""
    escalate: Escalate | None = None

    @property
    def has_deadline(self) -> bool:
        return self.deadline_seconds != ""

    def look_at(self, at: str, findings: Findings) -> None:
        if self.has_deadline:
            _look_at(f"{at}/{_SOON}", self.deadline_seconds, findings)
        if self.escalate is not None:
            _look_at(f"{at}/escalate/{_LATER}", self.escalate.after_seconds, findings)

    def compiled(self, on_deadline: OnDeadline, workshop: Workshop) -> "Asked":
        value = workshop.expressions.value
        later = None if self.escalate is None else value(self.escalate.after_seconds)
        deadline = value(self.deadline_seconds) if self.has_deadline else None
        return Asked(
            (self.who,) if isinstance(self.who, str) else self.who,
            on_deadline,
            deadline,
            () if self.escalate is None else self.escalate.who,
            later,
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom and until when, compiled. `deadline` and `later` give seconds."""

    who: tuple[str, ...]
    on_deadline: OnDeadline
    deadline: Value | None
    widened: tuple[str, ...]
    later: Value | None

    def park(self, context: NodeContext, show: Json, schema: JsonObject, default: Json = None) -> Park:
        now = context.now()
        until = None if self.deadline is None else now + _seconds(self.deadline, context, _SOON)
        escalation = None if self.later is None else Escalation(self.widened, now + _seconds(self.later, context, _LATER))
        return Park(HUMAN, until, default, (), Question(show, schema, self.who, self.on_deadline, escalation))


def catches(on_deadline: OnDeadline, at: str) -> tuple[tuple[str, str], ...]:
    """What an error edge must catch; `at`: where that is said."""
    return ((at, LATE),) if on_deadline is OnDeadline.EDGE else ()


def _look_at(at: str, written: Json, findings: Findings) -> None:
    findings.value(at, written)
    if not is_written(written, duration_of):
        findings.problem(at, f"invalid_{at.rpartition('/')[2]}", _refused(at.rpartition("/")[2]))


def _seconds(value: Value, context: NodeContext, key: str) -> float:
    given = value(context.scope)
    found = duration_of(given)
    if found is None:
        raise NodeExecutionError(f"{_refused(key)}: `{value.source}` gives {str(given)[:60]}", f"invalid_{key}")
    return found


def _refused(key: str) -> str:
    return NO_DURATION.replace("`seconds`", f"`{key}`")

"""Where spans go, and in which one a task is."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from domain.tracing import TraceContext

Attribute: TypeAlias = str | bool | int | float | Sequence[str]


class SpanKind(StrEnum):
    SERVER = "server"
    CONSUMER = "consumer"
    INTERNAL = "internal"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Span:
    """What is over. Times in seconds since the epoch; `parent` as in `TraceContext.span`, "" for none; `error`: a code, "" for none. Never
    content: no prompt, argument, answer or message."""

    name: str
    at: TraceContext
    parent: str
    began: float
    ended: float
    kind: SpanKind = SpanKind.INTERNAL
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    error: str = ""


class Traces(Protocol):
    @property
    def is_on(self) -> bool:
        """Does anybody want spans? Who makes one asks first: otherwise nothing is put together."""

    def add(self, span: Span) -> None:
        """Never blocks, never fails; what there is no room for is lost."""


class Untraced:
    is_on = False

    def add(self, span: Span) -> None: ...


UNTRACED: Final = Untraced()

HERE: Final[ContextVar[TraceContext | None]] = ContextVar("here", default=None)
"""The span that the task stands in: of a request, or of an attempt. Set by whoever begins one, and handed on to the tasks it starts."""


def traceparent_here() -> str:
    """Of what is under way, for what it starts; "" for none."""
    here = HERE.get()
    return "" if here is None else here.traceparent

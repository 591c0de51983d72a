"""What the contract suite asks of every type of tools: the same behaviours, whatever stands behind them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from domain.acting import Acting
from domain.audit import AuditRecord, Deed
from domain.ids import RunId, SessionId, TenantId, ThreadId
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import ToolExecutionResult, ToolType
from infrastructure.tools.catalog import TenantTools

RUN = RunId("01935f3c-7d2a-7b1e-8c4d-5e6f708192a3")
CONTEXT = ToolContext(TenantId("acme"), f"{RUN}/ask#1/0", RUN, "/ask#1", 30.0, thread=ThreadId("t"), workflow="contract@1.0.0")
DENIED = replace(CONTEXT, acting=Acting(SessionId("s"), "ann", ()))
MOST_BYTES = 1_000
"""What `long` may return, where its type lets that be said."""


@dataclass
class Trail:
    """Remembers every deed, and which were durable before the call went on."""

    noted: list[Deed] = field(default_factory=list)
    recorded: list[Deed] = field(default_factory=list)

    has_room: bool = True

    def note(self, deed: Deed) -> None:
        self.noted.append(deed)

    async def record(self, deed: Deed) -> None:
        self.recorded.append(deed)

    async def read(self, tenant: TenantId, after: int, limit: int) -> Sequence[AuditRecord]:
        return ()


@dataclass
class Subject:
    """Tools of one type behind the gate, with these behaviours:

    `echo(text)` says it again. `fail()` refuses, with a message that would steer a terminal. `wait()` notes `began` and never ends by
    itself. `long(size)` returns so many characters. `steps()` tells how far it is before it ends. `about()` returns, as JSON in a text,
    the `key` and the `trace` that it was given. `act()` touches the world: it notes `acted`.

    `seen`: what the world noted, in order. `told`: the text of an output. `code`: of what `fail` fails with. `is_stopped`: is `wait` no
    longer at work? None for what cannot be stopped from outside; `ends` lets go of it.
    """

    tool_type: ToolType
    tools: TenantTools
    trail: Trail
    seen: Callable[[], Sequence[str]]
    code: str
    prefix: str = ""
    given: Mapping[str, Json] = field(default_factory=dict)
    told: Callable[[Any], str] = lambda output: output["text"]
    most: int = MOST_BYTES
    is_stopped: Callable[[], bool] | None = None
    ends: Callable[[], None] = lambda: None

    def named(self, behaviour: str) -> str:
        return self.prefix + behaviour

    async def call(self, behaviour: str, context: ToolContext = CONTEXT, **arguments: Json) -> ToolExecutionResult:
        return await self.tools.call(self.named(behaviour), {**arguments, **self.given}, context)

    async def said(self, behaviour: str, context: ToolContext = CONTEXT, **arguments: Json) -> str:
        result = await self.call(behaviour, context, **arguments)
        assert result.error is None, result.error
        return self.told(result.output)


Opens: TypeAlias = Callable[[Path], AbstractAsyncContextManager[Subject]]
BEHAVIOURS = ("about", "act", "echo", "fail", "long", "steps", "wait")

"""Tools: one way in, whatever their type."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from domain.access import Role
from domain.acting import Acting
from domain.history import Capture
from domain.ids import RunId, TenantId, ThreadId
from domain.json import Json, JsonObject
from domain.registered import RegisteredTool, Revision
from domain.tool import Effects, Tool, ToolExecutionResult
from domain.tracing import TraceContext, traceparent

Tell: TypeAlias = Callable[[str], None]
"""Takes what a tool says while it works. Never blocks, never fails."""


def unheard(text: str) -> None:
    """For calls that nobody watches."""


class ToolLog(Protocol):
    """As the standard library's loggers, each line with the tool, the tenant, the run and the activation."""

    def debug(self, msg: object, *args: object) -> None: ...

    def info(self, msg: object, *args: object) -> None: ...

    def warning(self, msg: object, *args: object) -> None: ...

    def error(self, msg: object, *args: object, exc_info: bool = False) -> None: ...


class Unlogged:
    """For calls of which no line is kept."""

    def debug(self, msg: object, *args: object) -> None: ...

    def info(self, msg: object, *args: object) -> None: ...

    def warning(self, msg: object, *args: object) -> None: ...

    def error(self, msg: object, *args: object, exc_info: bool = False) -> None: ...


UNLOGGED: Final = Unlogged()


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool is told about the call. `idempotency_key` is the same over retries and crashes of one activation. `deadline_seconds`
    from now, or None. `acting`: of a run in a session. `workflow`: `name@version` of what runs, "" outside any run. `permissions`: what
    that version, and each that it was called through, lets its runs call, None when none says. `caller` and `role`: of whoever calls
    outside any run. `agent`: which decided to call, and what it may. `approved_by`: who let this very call happen, where somebody was
    asked. `tell`: how far it is, for whoever watches; from any thread. Only the newest of a tenth of a second is shown, and it may be
    lost. `logger`: of native tools. `thread`: of the run. `effects`: what the caller took the tool for, where it prepared for that: one
    that does more by now is not called. `capture`: how much of what is said the history may keep; of a call by a run nothing, where nobody
    says."""

    tenant: TenantId
    idempotency_key: str
    run: RunId | None = None
    activation: str = ""
    deadline_seconds: float | None = None
    acting: Acting | None = None
    workflow: str = ""
    permissions: tuple[str, ...] | None = None
    caller: str = ""
    role: Role | None = None
    agent: str = ""
    agent_permissions: tuple[str, ...] | None = None
    approved_by: str = ""
    tell: Tell = field(default=unheard, compare=False)
    thread: ThreadId | None = None
    logger: ToolLog = field(default=UNLOGGED, compare=False)
    effects: Effects | None = None
    capture: Capture | None = None
    trace: TraceContext | None = None
    """The call as a span of its trace; None where nobody knows of one."""

    def progress(self, done: float, text: str = "") -> None:
        """Tell that so much is done, from 0 to 1, and of what."""
        self.tell(f"{max(0.0, min(done, 1.0)):.0%} {text}".rstrip())

    @property
    def traceparent(self) -> str:
        """For whoever the tool calls: W3C Trace Context."""
        known = self.trace
        return traceparent(self.run or "", self.activation, self.idempotency_key) if known is None else known.traceparent

    @property
    def workflow_name(self) -> str:
        return self.workflow.partition("@")[0]


class Tools(Protocol):
    """What one tenant can call, as it is now, however long somebody holds it: a call sees what changed a second ago, the others what the
    last call or look saw."""

    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        """Decide whether it may be, check the arguments, run, check what came back. A refusal or failure of the tool is a result with
        `error`; an unknown name raises `ToolNotFound`, naming the known ones."""

    def get(self, name: str) -> Tool:
        """`ToolNotFound` names the known ones."""

    def list(self) -> Sequence[Tool]:
        """By name."""

    def must_be_allowed(self, name: str, context: ToolContext) -> bool:
        """May it be called? False: only when somebody approves. `Forbidden` says which rule of whom forbids it."""


class ToolCatalog(Protocol):
    async def of(self, tenant: TenantId, *, waits: bool = True) -> Tools:
        """The tools of the installation, those of its servers, and those that the tenant has registered; what others registered a second
        ago may be missing. `waits`: for servers whose tools nobody has asked for yet."""

    async def list(self, tenant: TenantId) -> Sequence[Tool]:
        """Those of `of`, by name, made without holding the loop."""

    def check(self, document: Json) -> Tool:
        """What a document describes, if a tenant may register it; `ValidationError` has every problem with a pointer."""

    def forget(self, tenant: TenantId) -> None:
        """What the tenant has registered has changed: look again."""


class RegisteredTools(Protocol):
    async def put(self, tool: RegisteredTool) -> bool:
        """Keep or replace; True when the name is new to the tenant."""

    async def put_all(self, tools: Sequence[RegisteredTool]) -> Collection[str]:
        """The same for several of one tenant, as one; the names that are new."""

    async def of(self, tenant: TenantId, names: Sequence[str] | None = None) -> Sequence[RegisteredTool]:
        """All of a tenant, or those of these names that there are, by name."""

    async def stamps(self, tenant: TenantId) -> Mapping[str, datetime]:
        """When each was last changed, by name."""

    async def revision(self, tenant: TenantId) -> Revision:
        """What tells whether anything has changed, without reading it all."""

    async def remove(self, tenant: TenantId, name: str) -> None:
        """`ToolNotFound` when there is none."""

"""What a node kind is. A new kind from another package registers an object of this shape under the entry point `weft.nodes`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from domain.acting import Acting
from domain.caller import Caller
from domain.errors import Problem
from domain.graph.definition import Join, Node
from domain.history import Capture
from domain.ids import ActivationPath, RunId, TenantId, ThreadId
from domain.json import Json, JsonObject
from domain.ports.effects import Perform, performs_nothing
from domain.ports.expressions import Expressions, Scope
from domain.ports.models import Models
from domain.ports.prompts import ReadyPrompt
from domain.ports.schemas import Schemas
from domain.ports.templates import Templates
from domain.ports.tools import Tools, unheard
from domain.question import Answer, Question
from domain.tool import Taken
from domain.usage import Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """The node is done. `output` is what `writes` and edges see. `usage` of its last call."""

    output: Json = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class OpenFrames:
    """Run a graph once per input, in child frames; the node finishes with their outputs. `workflow`: as the author named it, or "" for
    the node's inner graph."""

    inputs: Sequence[JsonObject]
    workflow: str = ""
    items: Sequence[Json] = ()
    concurrency: int = 1
    collect_errors: bool = False
    enough: int = 0
    is_map: bool = False


LONGEST_SECONDS: Final = 10 * 365 * 86_400
"""Nothing sleeps longer: times far beyond that have no date to show."""


@dataclass(frozen=True, slots=True)
class Park:
    """Let go of everything until `until` (seconds since the epoch; None: for ever); the node then finishes with `output`. `signals`: or
    until one of these comes; it then finishes with `{woke_by: NAME, payload}`. `question`: or until a person answers it; `output` is then
    the default answer."""

    waiting_for: str
    until: float | None = None
    output: Json = None
    signals: tuple[str, ...] = ()
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class EndFrame:
    """End the node's own frame at once, and cancel what is still running in it."""

    completed: bool
    output: Json = None


Outcome: TypeAlias = Finished | OpenFrames | Park | EndFrame


@dataclass(slots=True)
class NodeContext:
    """One attempt of one activation. `scope` is what its expressions may name. `idempotency_key(n)` names its n-th effect, the same over
    retries and crashes. `say` passes a piece of text to whoever watches. `now`: seconds since the epoch."""

    tenant: TenantId
    run: RunId
    activation: ActivationPath
    attempt: int
    scope: Scope
    now: Callable[[], float]
    say: Callable[[str], None]
    deadline_seconds: float | None = None
    acting: Acting | None = None
    """For whom a run in a session acts."""
    answer: Answer | None = None
    """What a person said, where the node asks one before it runs."""
    workflow: str = ""
    """What the run runs: `name@version`."""
    thread: ThreadId | None = None
    tell: Callable[[str], None] = unheard
    """How far a long call is, for whoever watches; from any thread. May be lost."""
    permissions: tuple[str, ...] | None = None
    """What the version that the node stands in, and each that it was called through, lets its runs call; None when none says."""

    perform: Perform = performs_nothing
    """Makes one of several calls, each kept in the journal by itself."""
    capture: Capture = Capture.OFF
    """How much of what its calls say the history may keep."""
    within: tuple[str, ...] = ()
    """As of `Caller`."""
    instead: str = ""
    """The model to be called in place of the node's own, for want of money; "" for its own."""

    prompts: Mapping[str, ReadyPrompt] = field(default_factory=dict)
    """Published prompts that the run uses, by the reference in the graph."""

    def idempotency_key(self, effect: int = 0) -> str:
        return f"{self.run}{self.activation}/{effect}"

    def caller(self, effect: int = 0, prompt: str = "") -> Caller:
        """Of the n-th call."""
        session, user = ("", "") if self.acting is None else (self.acting.session, self.acting.user_id)
        about = (self.tenant, self.run, self.activation, effect, self.attempt, self.workflow, self.thread)
        return Caller(*about, session, user, prompt, self.capture, self.within)


Execute: TypeAlias = Callable[[NodeContext], Outcome] | Callable[[NodeContext], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Intended:
    """A call of the world that is about to be made. `arguments`: what it will be told."""

    tool: str
    arguments: JsonObject


@dataclass(frozen=True, slots=True)
class Executor:
    """A node of one workflow version, ready to run. `waits` False: `run` is a plain function that only computes and is called in place;
    True: it is a coroutine function and gets a task of its own. `effects`: it touches the world other than by reading. `intend`: it does
    so at most once, and tells beforehand what it will do; an error of `run` is an answer of the world exactly when it has an attribute
    `is_answer` that is true. `asks`: before all that a person may be asked; it gives a `Park` with a question, whose answer is then in the
    context of `intend` and `run`, or None when nobody is to be asked. `reserve`: it is charged by what it uses, and says beforehand how
    much that is at most; its errors are those of `run`. `takes`: the tool that it calls, and what it was made for; should that change, it
    is to be built again."""

    run: Execute
    waits: bool = True
    effects: bool = False
    intend: Callable[[NodeContext], Intended] | None = None
    asks: Callable[[NodeContext], Outcome | None] | None = None
    reserve: Callable[[NodeContext], Usage] | None = None
    takes: tuple[str, Taken] | None = None
    performs: bool = False
    """Its calls may be charged for; they are made through `NodeContext.perform`."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What kinds build their executors with."""

    expressions: Expressions
    templates: Templates
    schemas: Schemas
    models: Models
    tools: Tools


@dataclass(frozen=True, slots=True)
class Reads:
    """What a value or template at `pointer` (relative to the node) names: `("state", "ticket")`. Checked against the declared channels."""

    pointer: str
    paths: frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything wrong with a node whose keys fit its kind's schema, what it reads, and the workflow it runs (`name`, `name@version`,
    `self`) or "". `fails_with`: codes of failures that an error edge of the node must catch, each with
    the pointer to what says so."""

    problems: Sequence[Problem] = ()
    reads: Sequence[Reads] = ()
    workflow: str = ""
    fails_with: Sequence[tuple[str, str]] = ()


class NodeKind(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def schema(self) -> JsonObject:
        """JSON Schema of the keys that only this kind has (an object with `additionalProperties: false`)."""

    @property
    def default_join(self) -> Join | None:
        """How its nodes join when they do not say; None for the rule of the engine."""

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        """Look at a node without running anything; pointers are relative to the node (`/prompt`)."""

    def build(self, node: Node, workshop: Workshop) -> Executor:
        """Compile a node that has no problems."""


class NodeKinds(Protocol):
    def get(self, name: str) -> NodeKind:
        """`FactoryError` names the known kinds."""

    def all(self) -> Mapping[str, NodeKind]: ...

"""The rows of a journal, all kinds in one place. A run's state is the fold of these and nothing else.

What the planner can derive is not stored: which activations became ready after a row follows from the rows up to it.
Every event is plain data (strings, numbers, JSON, tuples of those), so that one codec writes and reads them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from domain.change import Change
from domain.errors import Failure
from domain.graph.definition import Limits
from domain.ids import ActivationPath, ContentHash, FramePath, NodeId, Position, RunId
from domain.json import Json, JsonObject
from domain.usage import Usage

RULES = 1
"""The version of the planner that this Weft has; a run is pinned to the one it started with."""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """`versions`: for every workflow that the graph names, through all levels, the content hash it was resolved to (`name` or
    `name@version` -> hash). `at` seconds since the epoch, for the run's deadline."""

    kind: ClassVar[str] = "run_started"
    run: RunId
    workflow: ContentHash
    input: JsonObject
    at: float
    mode: str = "async"
    limits: Limits = field(default_factory=Limits)
    versions: Mapping[str, str] = field(default_factory=dict)
    rules: int = RULES
    pause_before: tuple[str, ...] = ()
    """Names of nodes, in whatever frame: the run is paused before a visit of one of them begins."""
    pause_after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunContinued:
    """The first row of a run that goes on from where `from_run` was at position `at` of an ancestor of its thread: what is folded up to
    there is its own, under its own id. `since` seconds since the epoch, for its deadline; `versions` as the other one's first row says."""

    kind: ClassVar[str] = "run_continued"
    run: RunId
    from_run: RunId
    at: Position
    since: float
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FrameBegun:
    """The edges of `start` were evaluated in a frame where one of them has a condition. `taken`: targets."""

    kind: ClassVar[str] = "frame_begun"
    frame: FramePath
    taken: tuple[NodeId, ...]


@dataclass(slots=True)
class NodeFinished:
    """Never changed; not frozen as the others are, because a frozen dataclass takes five times as long to make, and this is made at every
    step.

    `updates`: channel -> what was written, before merging. `taken`: targets, each once. `consumed`: the positions of the rows whose
    tokens started it. `read_at`: the position whose state it read. `seconds`: how long the last attempt took."""

    kind: ClassVar[str] = "node_finished"
    activation: ActivationPath
    updates: Mapping[str, Json]
    taken: tuple[NodeId, ...]
    read_at: Position
    consumed: tuple[Position, ...] = ()
    usage: Usage | None = None
    seconds: float = 0.0
    output: Json = None
    """Kept only of a node that can be undone."""


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """It will be tried again at `retry_at` (seconds since the epoch)."""

    kind: ClassVar[str] = "attempt_failed"
    activation: ActivationPath
    failure: Failure
    retry_at: float
    usage: Usage | None = None
    anew: bool = False
    """What its calls came to is no use: they are made again."""


@dataclass(frozen=True, slots=True)
class NodeFailed:
    """After its last attempt. `taken`: the target of the error edge that caught it, or nothing: then its frame fails with it and
    `cancelled` names what else was in flight there."""

    kind: ClassVar[str] = "node_failed"
    activation: ActivationPath
    failure: Failure
    taken: tuple[NodeId, ...] = ()
    cancelled: tuple[ActivationPath, ...] = ()
    consumed: tuple[Position, ...] = ()
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class FramesOpened:
    """A `map` or `workflow` node asked for child frames, one per input. `graph`: hash of the workflow, or "" for the node's own inner
    graph. `enough`: stop after so many items are done (0: all)."""

    kind: ClassVar[str] = "frames_opened"
    activation: ActivationPath
    inputs: tuple[JsonObject, ...]
    graph: ContentHash | None = None
    items: tuple[Json, ...] = ()
    concurrency: int = 1
    collect_errors: bool = False
    enough: int = 0
    is_map: bool = False


@dataclass(frozen=True, slots=True)
class FrameEnded:
    """A child frame came to its end. `failure` None: `output` is what it made."""

    kind: ClassVar[str] = "frame_ended"
    frame: FramePath
    output: Json = None
    failure: Failure | None = None
    cancelled: tuple[ActivationPath, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeParked:
    """It waits for `waiting_for` (a kind of `domain.run.run.Waiting`). `until`: at most to then (seconds since the epoch), and then it
    finishes with `output`; None: for ever. `signals`: the first one of these names wakes it. `about`: what a person is asked (see
    `domain.question`); with it `output` is the default answer."""

    kind: ClassVar[str] = "node_parked"
    activation: ActivationPath
    waiting_for: str
    until: float | None = None
    output: Json = None
    signals: tuple[str, ...] = ()
    about: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody answered what an activation was parked for, or its default did. The only answer to that question."""

    kind: ClassVar[str] = "answered"
    activation: ActivationPath
    answer: Json
    by: str


@dataclass(frozen=True, slots=True)
class Terminated:
    """A `terminate` node ended its frame."""

    kind: ClassVar[str] = "terminated"
    activation: ActivationPath
    completed: bool
    output: Json
    cancelled: tuple[ActivationPath, ...] = ()
    consumed: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True)
class EffectIntended:
    """A call that may happen at most once is about to be made: this row is durable before it. `key`: its idempotency key."""

    kind: ClassVar[str] = "effect_intended"
    activation: ActivationPath
    effect: int
    key: str
    tool: str
    arguments: JsonObject
    digest: str = ""
    """As of `EffectFinished`."""


@dataclass(frozen=True, slots=True)
class EffectFinished:
    """One of several calls that an activation makes, number `effect`, has its outcome. `of`: `model` or `tool`, or what else the node calls
    it. `digest`: a hash of what was asked. `output` is what the node is given, now and whenever it is run again; with a `failure` there is
    nothing to give, and the call is made again if the node is."""

    kind: ClassVar[str] = "effect_finished"
    activation: ActivationPath
    effect: int
    of: str
    name: str
    digest: str
    output: Json = None
    failure: Failure | None = None
    usage: Usage | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class EffectUnknown:
    """Nobody knows whether an intended call happened: its answer did not come."""

    kind: ClassVar[str] = "effect_unknown"
    activation: ActivationPath
    effect: int
    reason: str
    at: float = 0.0
    """Seconds since the epoch."""


HAPPENED, DID_NOT_HAPPEN, FAILED, NOT_MADE = "happened", "did_not_happen", "failed", "not_made"


@dataclass(frozen=True, slots=True)
class EffectResolved:
    """`decision`: `happened` (the node finishes with `output`), `did_not_happen` (it is called again, under the same key), `failed`;
    `not_made`: the worker that announced the call let go of the run before it made it. `code`: of a refusal that came late."""

    kind: ClassVar[str] = "effect_resolved"
    activation: ActivationPath
    effect: int
    decision: str
    by: str
    output: Json = None
    reason: str = ""
    code: str = ""
    as_made: bool = False
    """The worker that made the call tells: `output` is what the node takes for its outcome."""


@dataclass(frozen=True, slots=True)
class UsageCounted:
    """Tokens of a call whose activation will not finish: it was cancelled while the provider was talking."""

    kind: ClassVar[str] = "usage_counted"
    activation: ActivationPath
    usage: Usage


@dataclass(frozen=True, slots=True)
class BudgetAlert:
    """A call of this activation, which came back or was refused, is the run's first from which it is known that so much of a budget that
    counts it is used up. Of each mark a run has one row at most. `budget`: its id. `subject`, `period`: of the account (see
    `domain.budget.AccountKey`). `spent`, `limit`: amounts in `unit`, decimal numbers."""

    kind: ClassVar[str] = "budget_alert"
    activation: ActivationPath
    budget: str
    name: str
    subject: str
    period: str
    percent: int
    spent: str
    limit: str
    unit: str


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """Came out of the inbox. What finishes after this row is recorded and starts nothing."""

    kind: ClassVar[str] = "cancel_requested"
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PauseRequested:
    """Came out of the inbox, or from a breakpoint: then `activation` is where. What is in flight finishes, and nothing new starts until
    `Resumed`."""

    kind: ClassVar[str] = "pause_requested"
    by: str
    reason: str = ""
    activation: ActivationPath | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    kind: ClassVar[str] = "resumed"
    by: str


@dataclass(frozen=True, slots=True)
class SignalReceived:
    """Came out of the inbox. It wakes the activation that has waited for its name longest; when none does it is kept for the next one
    that will, unless it is `transient`. `key`: the sender's own, "" for none; a key counts once in a run."""

    kind: ClassVar[str] = "signal_received"
    name: str
    payload: Json = None
    transient: bool = False
    by: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class TimeForgiven:
    """So long the run was parked for a person, a signal or an operator: `limits.seconds` does not count it."""

    kind: ClassVar[str] = "time_forgiven"
    seconds: float


@dataclass(frozen=True, slots=True)
class StateEdited:
    """Somebody outside changed what the thread holds. The row's run is the one that was parked there, or "" between runs. `changes` are
    applied in their order and know the old values."""

    kind: ClassVar[str] = "state_edited"
    changes: tuple[Change, ...]
    by: str
    reason: str = ""
    key: str = ""
    """Names the request: one that is sent again is not done again. "" for one that came without a key."""


@dataclass(frozen=True, slots=True)
class StateRestored:
    """What the thread holds became what it was at position `to`: `changes` lead there. `snapshot`: its id, "" when there was none. `key`:
    as of an edit."""

    kind: ClassVar[str] = "state_restored"
    to: Position
    changes: tuple[Change, ...]
    by: str
    reason: str = ""
    snapshot: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class RunMigrated:
    """A parked run goes on in another version of its workflow, `reference` (`name@version`). `nodes`: old names of nodes -> new ones; of a
    node in an inner graph the old name is its path (`review/draft`). `paths`: old -> new, of the activations under way whose path changed.
    `channels`: what channels that the root frame did not have start from. `versions`: as of the first row."""

    kind: ClassVar[str] = "run_migrated"
    workflow: ContentHash
    reference: str
    by: str
    nodes: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, Json] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunFailing:
    """A limit of the run was reached: nothing new starts, and what finished is undone before its last row."""

    kind: ClassVar[str] = "run_failing"
    failure: Failure


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The last row of a run. `status`: `completed`, `failed` or `cancelled`."""

    kind: ClassVar[str] = "run_ended"
    status: str
    output: Json = None
    failure: Failure | None = None


Event: TypeAlias = (
    RunStarted
    | RunContinued
    | FrameBegun
    | NodeFinished
    | AttemptFailed
    | NodeFailed
    | FramesOpened
    | FrameEnded
    | NodeParked
    | Answered
    | Terminated
    | EffectIntended
    | EffectFinished
    | EffectUnknown
    | EffectResolved
    | UsageCounted
    | BudgetAlert
    | CancelRequested
    | PauseRequested
    | Resumed
    | SignalReceived
    | TimeForgiven
    | StateEdited
    | StateRestored
    | RunMigrated
    | RunFailing
    | RunEnded
)
EVENT_TYPES: tuple[type[Event], ...] = (
    RunStarted,
    RunContinued,
    FrameBegun,
    NodeFinished,
    AttemptFailed,
    NodeFailed,
    FramesOpened,
    FrameEnded,
    NodeParked,
    Answered,
    Terminated,
    EffectIntended,
    EffectFinished,
    EffectUnknown,
    EffectResolved,
    UsageCounted,
    BudgetAlert,
    CancelRequested,
    PauseRequested,
    Resumed,
    SignalReceived,
    TimeForgiven,
    StateEdited,
    StateRestored,
    RunMigrated,
    RunFailing,
    RunEnded,
)

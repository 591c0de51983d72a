"""The live state of a run, in one place: frames, tokens, activations. Nothing here knows of time, storage or code; see
`domain.run.fold` for how it moves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.errors import Failure
from domain.graph.compiled import CompiledGraph, bits
from domain.graph.definition import Limits
from domain.ids import BEGINNING, ActivationPath, ContentHash, FramePath, NodeId, NodeIndex, Position, RunId
from domain.json import Json, JsonObject
from domain.question import Answer
from domain.run.events import EffectResolved, FramesOpened, RunStarted
from domain.sizes import FRESH_ROOM

State = Mapping[str, Json]
"""Channel -> value. Replaced on every write, never changed in place, so that a reader keeps what it saw."""


@dataclass(slots=True)
class Token:
    """`at`: the row that sent it. `failure`: it came over an error edge. `kept`: left over from a round in which its `from` node fired.

    Never changed; not frozen, because a frozen dataclass takes five times as long to make, and this is made at every step."""

    source: int
    at: Position
    failure: Failure | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    name: str
    payload: Json


@dataclass(slots=True)
class Children:
    """The frames of a `map` or `workflow` activation. `results[i]` is set when item `i` is done."""

    opened: FramesOpened
    graph: CompiledGraph
    next: int = 0
    live: dict[FramePath, "Frame"] = field(default_factory=dict)
    results: dict[int, Json] = field(default_factory=dict)
    failure: Failure | None = None

    @property
    def wanted(self) -> int:
        return self.opened.enough or len(self.opened.inputs)

    @property
    def is_done(self) -> bool:
        return self.failure is not None or len(self.results) >= min(self.wanted, len(self.opened.inputs))

    def ends_with(self, *, failed: bool) -> bool:
        """Will nothing more be wanted once one more frame has ended?"""
        if failed and not self.opened.collect_errors:
            return True
        return len(self.results) + 1 >= min(self.wanted, len(self.opened.inputs))

    def outputs(self) -> list[Json]:
        """In item order, whatever order they finished in."""
        return [self.results[item] for item in sorted(self.results)]


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """A node that finished at `at` and says how it is undone. `output`: what it made; with `unknown` nobody knows whether it happened."""

    activation: ActivationPath
    frame: "Frame"
    index: NodeIndex
    output: Json
    at: Position
    unknown: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Undo:
    """What a compensation undoes, and the frame that is wound up by it."""

    done: Done
    owner: "Frame"


@dataclass(slots=True, eq=False)
class Intent:
    """A call that may happen at most once, journaled at `at` before it was made. `unknown`: why its outcome is not known."""

    effect: int
    key: str
    tool: str
    arguments: JsonObject
    at: Position
    unknown: str | None = None
    since: float = 0.0
    """When that was noticed, in seconds since the epoch."""
    resolved: EffectResolved | None = None
    digest: str = ""
    """Of one among several calls of its activation."""


@dataclass(slots=True)
class Kept:
    """What one of several calls came to. `is_decided`: by somebody who looked where it was made; `output` is then the tool's own."""

    digest: str
    output: Json = None
    failure: Failure | None = None
    is_decided: bool = False


@dataclass(slots=True, eq=False)
class Activation:
    """One visit of one node, from the row that made it ready to the row that ends it."""

    path: ActivationPath
    frame: "Frame"
    index: NodeIndex
    visit: int
    read_at: Position
    state: State
    consumed: tuple[Token, ...]
    attempt: int = 1
    retry_at: float | None = None
    parked_for: str | None = None
    parked_until: float | None = None
    parked_output: Json = None
    """What it finishes with when the time comes."""
    signals: tuple[str, ...] = ()
    """Any of these wakes it."""
    woken_by: Signal | None = None
    """It has its signal, and only has to finish."""
    about: JsonObject | None = None
    """What a person is asked, since the row `asked_at`; None when nobody is, or not any more."""
    asked_at: Position = BEGINNING
    answer: Answer | None = None
    """What was said. It stays its own however often the node is tried again."""
    intent: Intent | None = None
    effects: dict[int, Kept] = field(default_factory=dict)
    """What its calls came to, by number, of a node that makes several."""
    children: Children | None = None
    undoes: Undo | None = None
    """It is a compensation."""

    @property
    def is_decided(self) -> bool:
        return self.intent is not None and self.intent.resolved is not None

    @property
    def is_woken(self) -> bool:
        """A signal ended its waiting, and nothing keeps it from finishing."""
        return self.woken_by is not None and self.retry_at is None

    @property
    def is_answered(self) -> bool:
        """It has an answer, and nothing was done with it yet."""
        return self.answer is not None and self.retry_at is None and self.intent is None

    @property
    def is_asking(self) -> bool:
        return self.about is not None

    @property
    def is_parked(self) -> bool:
        return self.parked_for is not None and self.woken_by is None

    @property
    def node(self) -> NodeId:
        return self.frame.graph.nodes[self.index].id

    @property
    def positions(self) -> tuple[Position, ...]:
        one = len(self.consumed) == 1  # as at most steps
        return (self.consumed[0].at,) if one else tuple([token.at for token in self.consumed])

    @property
    def errors(self) -> list[Failure]:
        return [token.failure for token in self.consumed if token.failure is not None]


@dataclass(slots=True, eq=False)
class Frame:
    """One instance of a graph inside a run. Sets of nodes are bits (see `CompiledGraph`)."""

    path: FramePath
    graph: CompiledGraph
    input: JsonObject
    state: State
    parent: Activation | None = None
    item: int = 0
    active: int = 0
    pending: int = 0
    """Nodes that hold what they need to be asked to run: a token, or all that their `count` or `from` join wants."""
    tokens: dict[NodeIndex, list[Token]] = field(default_factory=dict)
    running: dict[NodeIndex, list[Activation]] = field(default_factory=dict)
    visits: dict[NodeIndex, int] = field(default_factory=dict)
    spent: int = 0
    fired: int = 0
    reached_end: bool = False
    changed: dict[str, tuple[Position, NodeId]] = field(default_factory=dict)
    """Channel -> the last row that wrote it, and whose."""
    begun: bool = False
    is_done: bool = False
    failure: Failure | None = None
    output: Json = None
    has_output: bool = False
    """`terminate` said what the frame's output is."""
    opened: FramesOpened | None = None
    """The row that asked for it; None for the root."""
    is_undoing: bool = False
    to_undo: list[Done] = field(default_factory=list)
    """Still to be undone before the frame is done, the next one last."""
    undo: Activation | None = None
    room: int = FRESH_ROOM
    """So many bytes may be written before its state is measured again; never more than it has left."""

    @property
    def depth(self) -> int:
        depth, parent = 0, self.parent
        while parent is not None:
            depth, parent = depth + 1, parent.frame.parent
        return depth

    def activations(self) -> list[Activation]:
        """Everything active here and in the frames below, outermost first."""
        found: list[Activation] = []
        for index in bits(self.active):
            for activation in self.running[index]:
                found.append(activation)
                if activation.children:
                    for child in activation.children.live.values():
                        found += child.activations()
        return found


@dataclass(slots=True, eq=False)
class RunState:
    """A run between two rows. `ready`, `withdrawn`, `ended` and `gathered` are what the last rows brought about, for the engine to take."""

    started: RunStarted
    root: Frame
    graphs: Mapping[ContentHash, CompiledGraph]
    frames: dict[FramePath, Frame] = field(default_factory=dict)
    active: dict[ActivationPath, Activation] = field(default_factory=dict)
    """Every activation between the row that made it ready and the row that ends it."""
    position: Position = BEGINNING
    steps: int = 0
    is_cancelling: bool = False
    is_paused: bool = False
    forgiven: float = 0.0
    """Seconds that the run's limit of time does not count."""
    kept: list[Signal] = field(default_factory=list)
    """Those that nobody waited for, in order of arrival."""
    signal_keys: set[str] = field(default_factory=set)
    """Keys of signals that came: the same one may be sent again by who did not hear that it was taken."""
    alerts: dict[tuple[str, str, str], tuple[str, int]] = field(default_factory=dict)
    """Of each account of a budget that passed a mark (budget, subject, period): of which limit, and how many percent, was told last."""
    listening: dict[ActivationPath, Activation] = field(default_factory=dict)
    """Those that wait for a signal or an answer, in order of parking."""
    stopped: set[ActivationPath] = field(default_factory=set)
    """Where breakpoints stopped the run: none stops it twice at one place."""
    stopped_at: ActivationPath | None = None
    """Where one has stopped it now."""
    renamed: dict[ActivationPath, ActivationPath] = field(default_factory=dict)
    """Old path -> newest one, of activations that were under way when the run moved to another version."""
    status: str | None = None
    """None until the last row of the run."""
    output: Json = None
    failure: Failure | None = None
    """Of the whole run: a limit of the run was reached, or its root frame failed."""
    done: list[Done] = field(default_factory=list)
    """What can be undone, as it finished."""
    undoing: dict[FramePath, Frame] = field(default_factory=dict)
    """Frames that are being wound up."""
    ready: list[Activation] = field(default_factory=list)
    to_begin: list[Frame] = field(default_factory=list)
    withdrawn: list[Activation] = field(default_factory=list)
    ended: list[Frame] = field(default_factory=list)
    gathered: list[Activation] = field(default_factory=list)
    woken: list[Activation] = field(default_factory=list)
    answered: list[Activation] = field(default_factory=list)
    decided: list[Activation] = field(default_factory=list)
    """Those about whose unknown outcome somebody decided."""

    @property
    def run(self) -> RunId:
        return self.started.run

    @property
    def limits(self) -> Limits:
        return self.started.limits

    @property
    def is_held(self) -> bool:
        """Paused: nothing new starts. A run that is ending goes on to its end, unless a breakpoint stopped it just before that."""
        if not self.is_paused or self.status is not None or self.root.is_undoing:
            return False
        return not self.root.is_done or self.stopped_at is not None

    def named(self, path: str) -> Activation | None:
        """The activation under way that has this path, or had it before the run moved to another version."""
        found = ActivationPath(path)
        return self.active.get(self.renamed.get(found, found))

    def activations(self) -> list[Activation]:
        return self.root.activations()

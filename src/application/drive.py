"""One claimed run, from its claim to the row that lets it go: what it has in hand, and how rows are recorded and made durable."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from application.account import Call, RunAccount
from application.appending import EngineTools, append_surely
from application.attempts import Attempt
from application.checkpoints import SinceCheckpoint
from application.loading import Loaded, checkpoint_body
from application.programs import Program
from application.public_row import as_it_stands
from application.questions import Verdict
from application.spending import overspent
from domain.caller import Caller
from domain.errors import Failure
from domain.ids import ActivationPath, Position
from domain.json import Json, JsonObject
from domain.ports.inbox import Wish
from domain.ports.journal import Append, Checkpoint, Lease
from domain.question import ASKING
from domain.run import events, fold
from domain.run.frames import called_through
from domain.run.run import Mode, Run, RunStatus
from domain.run.state import Activation, Frame, RunState
from domain.sizes import MOST_OF_A_STATE
from domain.usage import Usage, UsageState


@dataclass(slots=True, eq=False)
class Drive:
    """`position` is the last row recorded, `durable` the last one that is known to be kept."""

    tools: EngineTools
    lease: Lease
    loaded: Loaded
    state: RunState
    run: Run
    position: Position
    durable: Position
    outbox: list[events.Event] = field(default_factory=list)
    account: RunAccount = field(init=False)
    taken: list[int] = field(default_factory=list)
    queue: deque[Activation] = field(default_factory=deque)
    results: deque[Attempt] = field(default_factory=deque)
    late: deque[tuple[Call, Usage | None]] = field(default_factory=deque)
    """What calls used that were stopped; None: nothing, or nothing more."""
    tasks: dict[ActivationPath, asyncio.Task[None]] = field(default_factory=dict)
    stopping: set[asyncio.Task[None]] = field(default_factory=set)
    timers: dict[ActivationPath, asyncio.TimerHandle] = field(default_factory=dict)
    wishes: deque[Wish] = field(default_factory=deque)
    seen: set[int] = field(default_factory=set)
    """Numbers of the wishes that were handed over."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    """Nodes that wait in the middle of their work for rows to be kept."""
    flushing: asyncio.Task[None] | None = None
    ending: events.RunEnded | None = None
    is_stopping: bool = False
    announced: dict[ActivationPath, float] = field(default_factory=dict)
    """Whose intent was journaled here, at which second of the monotonic clock, and whose call was not made yet."""
    answers: list[tuple[Position, JsonObject]] = field(default_factory=list)
    """Of calls that may happen only once: what they came to, and the row that tells it."""
    rows_first: bool = False
    """The next activation touches the world: what is recorded so far is to be durable before it starts."""
    lines_first: bool = False
    """The next activation calls somebody who charges for it: what was reserved is to be durable before it starts."""
    is_lost: bool = False
    has_news: bool = False
    has_asked: bool = False
    """The run's public row says what is asked in it, also while it runs."""
    breaks: bool = False
    """It has breakpoints."""
    verdicts: deque[Verdict] = field(default_factory=deque)
    is_sequential: bool = False
    recalls: bool = False
    """Does an expression of it recall?"""
    recalled: dict[ActivationPath, JsonObject] = field(default_factory=dict)
    """Items that were read for an activation which is about to run, or to finish."""
    about: dict[str, Json] = field(default_factory=dict)
    instead: dict[ActivationPath, tuple[str, ...]] = field(default_factory=dict)
    """Models that budgets put in place of the own one of a node that says beforehand what it will use, in the order in which they were
    tried; the last is to be called. Calls of agents find theirs by themselves."""
    since: SinceCheckpoint = field(init=False)
    reserves: bool = False
    """A node of its workflow says beforehand what it will use."""

    def __post_init__(self) -> None:
        self.account = RunAccount(self.lease, self.run.workflow.partition("@")[0], self.run.acting, self.now, self.tools.purse)
        self.reserves = any(program.reserves for program in self.loaded.programs.values())
        self.about = {"id": self.run.id, "workflow": self.run.workflow, "thread": self.run.thread}
        self.is_sequential = self.run.mode is Mode.SYNC
        self.since = SinceCheckpoint(self.loaded.tail, self.loaded.tail_bytes)
        self.has_asked = any(waiting.kind in ASKING for waiting in self.run.waiting_for)
        self.account.hearing.told = self.state.alerts
        self.recalls = any(program.recalls for program in self.loaded.programs.values())
        self.breaks = bool(self.state.started.pause_before or self.state.started.pause_after)
        for frame in self.state.frames.values():
            frame.room = max(MOST_OF_A_STATE - self.loaded.size, 0)

    @property
    def is_durable(self) -> bool:
        """Is everything that was recorded known to be kept?"""
        return not self.outbox and self.flushing is None

    @property
    def deadline(self) -> float:
        """Seconds since the epoch."""
        return self.state.started.at + self.state.limits.seconds + self.state.forgiven

    def caller(self, call: Call) -> Caller:
        run, (at, effect) = self.run, call
        who = ("", "") if run.acting is None else (run.acting.session, run.acting.user_id)
        return Caller(run.tenant, run.id, at.path, effect, at.attempt, run.workflow, run.thread, *who, within=called_through(at.frame))

    def program(self, frame: Frame) -> Program:
        return self.loaded.programs[frame.graph]

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.tools.clock.now().timestamp()

    def record(self, event: events.Event) -> None:
        """Decide that this is the next row: it is applied here and now, and durable after the next `append`."""
        self.position = Position(self.position + 1)
        self.outbox.append(event)
        fold.apply(self.state, event, self.position)

    def bill(self, call: Call, usage: Usage, attempt: int) -> None:
        """Write a ledger line beside the row just recorded, and end the run when a limit on money or tokens is reached."""
        for alert in self.account.count(call, usage, attempt):
            self.record(alert)
        self.charge(usage)
        self.check_spending(call[0].node)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """For a node in the middle of its work: wait until the loop has made it so. `is_so` is asked at each of its turns, and may say what
        is to be kept."""
        while not is_so():
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.waiting.append(turn)
            self.wake.set()
            await turn

    def tell_waiting(self) -> None:
        for turn in self.waiting:
            if not turn.done():
                turn.set_result(None)
        self.waiting.clear()

    def charge(self, usage: Usage, state: UsageState = UsageState.COUNTED) -> None:
        """To the run's public total."""
        self.run = replace(self.run, usage=self.run.usage.plus(usage, state))
        self.has_news = True
        for call in usage.calls:
            self.tools.meter.used(self.run.tenant, self.account.workflow, call)

    def check_spending(self, node: str = "") -> None:
        """End the run when it has used more than it may; `node` was the last to use something."""
        failure = None if self.is_winding_up else overspent(self.run, node)
        if failure is not None:
            self.end_failed(failure)

    def end_failed(self, failure: Failure) -> None:
        """The run as a whole fails, unless it is ending already. What finished in it is undone first."""
        if self.is_winding_up:
            return
        if self.state.done or self.state.undoing or any(one.intent is not None for one in self.state.active.values()):
            self.record(events.RunFailing(failure))
        else:
            self.ending = events.RunEnded(RunStatus.FAILED.value, None, failure)
        self.wake.set()

    @property
    def is_winding_up(self) -> bool:
        """Is the run failing or being cancelled, or over?"""
        return self.ending is not None or self.state.root.is_undoing or self.state.root.is_done

    @property
    def has_more(self) -> bool:
        """Did something come in that the loop has not looked at?"""
        return bool(self.results or self.late or self.wishes or self.verdicts or (self.flushing is not None and self.flushing.done()))

    async def append(self, release_at: float | None = None) -> None:
        """Make everything recorded durable in one unit, with the run's public row when it changed. Readers are told afterwards."""
        if self.flushing is not None:
            flushing, self.flushing = self.flushing, None
            await flushing
        if self.outbox or self.account.lines or release_at is not None:
            await self._write(self._take_unit(release_at))

    async def append_reserved(self) -> None:
        """Only the lines that calls wait for: what was recorded is durable when the run's durability asks."""
        await self._write(Append(self.lease, self.durable, [], usage=self.account.take_uncharged()))

    def take_flushed(self) -> None:
        """Let go of an append in the background that is over; raises what it raised."""
        if self.flushing is not None and self.flushing.done():
            flushing, self.flushing = self.flushing, None
            flushing.result()

    def append_meanwhile(self) -> None:
        """The same, while the next nodes run; one at a time, and its error reaches the next one who appends."""
        if self.flushing is None:
            self.flushing = asyncio.create_task(self._write(self._take_unit(None)))
            self.flushing.add_done_callback(lambda _: self.wake.set())

    async def _write(self, unit: Append) -> None:
        rows = await append_surely(self.tools, unit, lambda: self.is_lost)
        self.durable = Position(unit.after + len(unit.events))
        self.since.weigh(rows)
        if self.answers:
            self.answers = [(at, answer) for at, answer in self.answers if at > self.durable]
        if unit.usage:
            self.account.kept(unit.usage)
        self.tell_waiting()
        self.tools.feed.publish(rows)

    def _take_unit(self, release_at: float | None) -> Append:
        """What is to be written now; what is recorded from here on goes with the next one."""
        run = None
        if release_at is not None:
            for row in self.account.close():
                self.charge(row.usage, row.state)
        standing = as_it_stands(self.run, self.state, has_asked=self.has_asked)
        if standing is not self.run:
            self.run, self.has_news = standing, True
        if release_at is not None or self.has_news:
            if (self.run.steps, self.run.last) != (self.state.steps, self.position):
                self.run = replace(self.run, steps=self.state.steps, last=self.position)
            run = self.run
        lines = self.account.take_lines() if self.account.lines else ()
        unit = Append(self.lease, self.durable, self.outbox, run, lines, self._checkpoint(), self.taken, release_at)
        if run is None and self.durable == self.run.first:
            unit.begun = self.run
        self.outbox, self.taken, self.has_news = [], [], False
        return unit

    def _checkpoint(self) -> Checkpoint | None:
        self.since.rows += len(self.outbox)
        if not self.since.is_enough:
            return None
        body = self._folded()
        return Checkpoint(self.position, body) if self.since.outweighs(len(body)) else None

    def _folded(self) -> bytes:
        if self.state.status is None:
            return checkpoint_body(self.loaded.values, self.state)
        return checkpoint_body(fold.carried(self.loaded.values, self.state), None)

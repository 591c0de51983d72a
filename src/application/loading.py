"""From a claim to a run that can go on: programs, the thread's past, the first row when there is none."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from application.preparing_prompts import PromptShelf
from application.programs import Program, ProgramShelf
from application.unrolling import KnownPrograms, Unrolled
from application.used_prompts import ready_prompts
from domain.change import difference
from domain.errors import ThreadError
from domain.graph.compiled import CompiledGraph
from domain.graph.definition import Graph
from domain.ids import BEGINNING, ContentHash, Position, RunId, TenantId, ThreadId
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.journal import Journal
from domain.ports.prompts import ReadyPrompt
from domain.ports.queue import Claim
from domain.run import events, fold, snapshot
from domain.run.continuing import go_on_as
from domain.run.run import Continued, Run
from domain.run.state import RunState
from domain.sizes import size_of

ResolveVersions = Callable[[TenantId, Graph, ThreadId], Awaitable[Mapping[str, str]]]
"""For every workflow that a graph names, through all levels: the hash of the version that a run of this thread uses; for every prompt
(`prompt:NAME`) the number."""


@dataclass(slots=True)
class Loaded:
    """A run ready to go on. `state` is None when its first row is still to be written. `values`: what the thread held before it."""

    run: Run
    programs: dict[CompiledGraph, Program]
    by_hash: dict[ContentHash, Program]
    versions: Mapping[str, str]
    prompts: Mapping[str, ReadyPrompt] = field(default_factory=dict)
    """By the reference in the graph, in the version that the run has."""
    values: dict[str, Json] = field(default_factory=dict)
    state: RunState | None = None
    ancestor: RunState | None = None
    """Where another run was, which this one is to go on from."""
    position: Position = BEGINNING
    tail: int = 0
    """Rows since the newest checkpoint."""
    tail_bytes: int = 0
    size: int = 0
    """Bytes that what the thread holds and the run's input have at most."""

    @property
    def graphs(self) -> dict[ContentHash, CompiledGraph]:
        return {content: program.graph for content, program in self.by_hash.items()}

    def check_values(self) -> None:
        """`ThreadError` when the thread holds a value that this workflow's channel of that name does not take."""
        for name, rule in self.by_hash[self.run.workflow_hash].rules.items():
            if (
                name in self.values
                and name not in self.run.input
                and rule.schema is not None
                and not rule.schema.accepts(self.values[name])
            ):
                problem = next(iter(rule.schema.problems(self.values[name])), None)
                why = f": {problem.message}" if problem else ""
                message = f"the thread holds a value in channel {name} that {self.run.workflow} does not take{why}"
                raise ThreadError(message)

    def start(self, event: events.RunStarted, position: Position) -> RunState:
        graph = self.by_hash[event.workflow].graph
        self.state = fold.begin(event, position, graph, self.graphs, self.values)
        return self.state

    def go_on(self, event: events.RunContinued, position: Position) -> RunState:
        assert self.ancestor is not None
        self.state = go_on_as(self.ancestor, event, position)
        return self.state


@dataclass(frozen=True, slots=True)
class Loader:
    journal: Journal
    shelf: ProgramShelf
    resolve: ResolveVersions
    clock: Clock
    prompts: PromptShelf

    async def __call__(self, claim: Claim) -> Loaded:
        """The newest checkpoint and the rows after it, folded. `WorkflowNotFound` and `PromptNotFound` when a version is gone,
        `SerializationError` for rows of a newer Weft."""
        run = claim.run
        known = KnownPrograms(self.shelf, run.tenant)
        program = await known.know(run.workflow_hash)
        loaded = Loaded(run, known.by_graph, known.by_hash, {}, size=size_of(run.input))
        if claim.position != BEGINNING:
            await self._past(loaded, known)
        if loaded.state is None and loaded.ancestor is None:
            await self._versions(loaded, known, program)
        loaded.prompts = await ready_prompts(self.prompts, run.tenant, loaded.versions)
        return loaded

    async def _versions(self, loaded: Loaded, known: KnownPrograms, program: Program) -> None:
        if not program.names_others:
            return
        loaded.versions = await self.resolve(loaded.run.tenant, program.graph.graph, loaded.run.thread)
        await known.know_all(program.hash, loaded.versions)

    async def _past(self, loaded: Loaded, known: KnownPrograms) -> None:
        """A run that another thread had under way where this one branched off is not this one's: what it did so far is."""
        run = loaded.run
        unrolled = Unrolled(self.journal, known, run.thread)
        checkpoint = await self.journal.newest_checkpoint(run.tenant, run.thread)
        if checkpoint is not None:
            await unrolled.begin_at(checkpoint)
        await unrolled.go_to()
        state = unrolled.state
        loaded.position, loaded.tail, loaded.tail_bytes = unrolled.position, unrolled.tail, unrolled.tail_bytes
        loaded.size += unrolled.size
        if state is None or state.run not in (run.id, run.continues and run.continues.run):
            loaded.values = dict(unrolled.held)
            return
        loaded.values = dict(unrolled.values)
        loaded.versions = dict(state.started.versions)
        if state.run == run.id:
            loaded.state = fold.resume(state)
        else:
            loaded.ancestor = state

    async def undo(self, loaded: Loaded, body: JsonObject) -> events.StateRestored | None:
        """The row that takes a thread back to where another run of it began; it is applied. None: that one did nothing."""
        run = loaded.run
        start = await start_of(self.journal, run, RunId(str(body["run"])))
        if start is None:
            return None
        unrolled = Unrolled(self.journal, KnownPrograms(self.shelf, run.tenant), run.thread)
        checkpoint = await self.journal.newest_checkpoint(run.tenant, run.thread, start)
        if checkpoint is not None:
            await unrolled.begin_at(checkpoint)
        await unrolled.go_to(start)
        changes = difference(loaded.values, unrolled.held)
        loaded.values, loaded.position = dict(unrolled.held), Position(loaded.position + 1)
        return events.StateRestored(start, changes, str(body["by"]), f"rollback of run {body['run']}")

    def first_row(self, loaded: Loaded) -> events.RunStarted | events.RunContinued:
        """Applied, as the row behind the last one. `ThreadError` when the thread holds what the workflow does not take, or when the run
        that this one is to go on from is not under way there any more."""
        loaded.position = Position(loaded.position + 1)
        if loaded.run.continues is not None:
            onward = self._onward(loaded, loaded.run.continues)
            loaded.go_on(onward, loaded.position)
            return onward
        loaded.check_values()
        begun = self._begun(loaded)
        loaded.start(begun, loaded.position)
        return begun

    def _onward(self, loaded: Loaded, continues: Continued) -> events.RunContinued:
        if loaded.ancestor is None:
            raise ThreadError(f"another run came first on thread {loaded.run.thread}: branch again to go on from run {continues.run}")
        return events.RunContinued(loaded.run.id, continues.run, continues.at, self.clock.now().timestamp(), loaded.versions)

    def _begun(self, loaded: Loaded) -> events.RunStarted:
        run = loaded.run
        at = self.clock.now().timestamp()
        about = (RunId(run.id), run.workflow_hash, run.input, at, run.mode.value, run.limits, loaded.versions)
        return events.RunStarted(*about, pause_before=run.pause_before, pause_after=run.pause_after)


async def start_of(journal: Journal, run: Run, other: RunId) -> Position | None:
    """The position before the first row of another run of the same thread; what it undid itself stays undone. None: it has no rows."""
    for row in await journal.read(run.tenant, run.thread, BEGINNING, 2, other):
        if row.kind != events.StateRestored.kind:
            return Position(row.position - 1)
    return None


def checkpoint_body(values: Mapping[str, Json], state: RunState | None) -> bytes:
    """What `Loader` reads back."""
    return json.dumps({"values": values, "run": None if state is None else snapshot.dump(state)}, separators=(",", ":")).encode()

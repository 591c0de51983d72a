"""From a claim to a run that can go on: programs, the thread's past, the first row when there is none."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from application.programs import Program, ProgramShelf
from domain.errors import SerializationError, ThreadError
from domain.graph.compiled import CompiledGraph
from domain.graph.definition import Graph
from domain.ids import BEGINNING, ContentHash, Position, RunId, TenantId
from domain.json import Json
from domain.ports.clock import Clock
from domain.ports.journal import Journal, Recorded
from domain.ports.queue import Claim
from domain.run import events, fold, snapshot
from domain.run.run import Run
from domain.run.state import RunState

ResolveVersions = Callable[[TenantId, Graph], Awaitable[Mapping[str, ContentHash]]]
"""For every workflow that a graph names, through all levels: the hash of the version a run of it uses."""
PAGE = 2_000


@dataclass(slots=True)
class Loaded:
    """A run ready to go on. `state` is None when its first row is still to be written. `values`: what the thread held before it."""

    run: Run
    programs: dict[CompiledGraph, Program]
    by_hash: dict[ContentHash, Program]
    versions: Mapping[str, ContentHash]
    values: dict[str, Json] = field(default_factory=dict)
    state: RunState | None = None
    position: Position = BEGINNING
    tail: int = 0
    """Rows since the newest checkpoint."""

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


@dataclass(frozen=True, slots=True)
class Loader:
    journal: Journal
    shelf: ProgramShelf
    resolve: ResolveVersions
    clock: Clock

    async def __call__(self, claim: Claim) -> Loaded:
        """The newest checkpoint and the rows after it, folded. `WorkflowNotFound` when a version is gone, `SerializationError` for rows
        of a newer Weft."""
        run = claim.run
        program = await self.shelf.get(run.tenant, run.workflow_hash)
        loaded = Loaded(run, {}, {}, {})
        self._know(loaded, program)
        if claim.position == 0:
            await self._versions(loaded, program)
            return loaded
        await self._past(loaded, claim)
        if loaded.state is None:
            await self._versions(loaded, program)
        return loaded

    async def _versions(self, loaded: Loaded, program: Program) -> None:
        if not program.calls_others:
            return
        loaded.versions = await self.resolve(loaded.run.tenant, program.graph.graph)
        await self._know_all(loaded, loaded.versions)

    async def _know_all(self, loaded: Loaded, versions: Mapping[str, str]) -> None:
        for content in versions.values():
            if content not in loaded.by_hash:
                self._know(loaded, await self.shelf.get(loaded.run.tenant, ContentHash(content)))

    def _know(self, loaded: Loaded, program: Program) -> None:
        loaded.by_hash[program.hash] = program
        loaded.programs.update(program.with_inner())

    async def _past(self, loaded: Loaded, claim: Claim) -> None:
        run = claim.run
        checkpoint = await self.journal.newest_checkpoint(run.tenant, run.thread)
        state: RunState | None = None
        if checkpoint is not None:
            plain = json.loads(checkpoint.body)
            loaded.values, loaded.position = plain["values"], checkpoint.position
            if plain["run"] is not None:
                state = await self._from_snapshot(loaded, plain["run"])
        while rows := await self.journal.read(run.tenant, run.thread, loaded.position, PAGE):
            for row in rows:
                state = await self._follow(loaded, state, row)
            loaded.tail += len(rows)
            if len(rows) < PAGE:
                break
        loaded.state = None
        if state is not None and state.run == run.id:
            loaded.state = fold.resume(state)
            loaded.versions = {name: ContentHash(content) for name, content in state.started.versions.items()}

    async def _from_snapshot(self, loaded: Loaded, plain: snapshot.Plain) -> RunState:
        started = plain["started"]
        await self._know_all(loaded, {"": started["workflow"], **started["versions"]})
        return snapshot.load(plain, loaded.by_hash[ContentHash(started["workflow"])].graph, loaded.graphs)

    async def _follow(self, loaded: Loaded, state: RunState | None, row: Recorded) -> RunState | None:
        event = self.journal.decode(row)
        loaded.position = row.position
        if isinstance(event, events.RunStarted):
            if event.rules != events.RULES:
                raise SerializationError(f"run {event.run} follows rules {event.rules}, this Weft knows {events.RULES}: update it")
            await self._know_all(loaded, {"": event.workflow, **event.versions})
            return loaded.start(event, row.position)
        if state is None:
            return None  # a run that was refused has only its last row
        fold.apply(state, event, row.position)
        if state.status is None:
            return state
        loaded.values = fold.carried(loaded.values, state)
        return None

    def first_row(self, loaded: Loaded) -> events.RunStarted:
        run = loaded.run
        versions = {name: str(content) for name, content in loaded.versions.items()}
        at = self.clock.now().timestamp()
        return events.RunStarted(RunId(run.id), run.workflow_hash, run.input, at, run.mode.value, run.limits, versions)


def checkpoint_body(values: Mapping[str, Json], state: RunState | None) -> bytes:
    """What `Loader` reads back."""
    return json.dumps({"values": values, "run": None if state is None else snapshot.dump(state)}, separators=(",", ":")).encode()

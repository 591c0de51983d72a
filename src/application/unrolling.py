"""A thread's journal, folded: from a checkpoint and the rows after it to what the thread holds, and the run under way in it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from application.programs import Program, ProgramShelf
from application.used_prompts import workflows_among
from domain.errors import PositionGone, SerializationError
from domain.graph.compiled import CompiledGraph
from domain.ids import BEGINNING, ContentHash, Position, TenantId, ThreadId
from domain.json import Json
from domain.ports.journal import Checkpoint, Journal, Recorded
from domain.run import events, fold, snapshot
from domain.run.continuing import go_on_as
from domain.run.state import RunState

PAGE = 2_000


@dataclass(slots=True)
class KnownPrograms:
    """Every program that a thread's runs have met so far, by hash and by graph."""

    shelf: ProgramShelf
    tenant: TenantId
    by_hash: dict[ContentHash, Program] = field(default_factory=dict)
    by_graph: dict[CompiledGraph, Program] = field(default_factory=dict)

    async def know(self, content: str) -> Program:
        """`WorkflowNotFound` when the version is gone."""
        known = self.by_hash.get(ContentHash(content))
        if known is None:
            known = await self.shelf.get(self.tenant, ContentHash(content))
            self.by_hash[known.hash] = known
            self.by_graph.update(known.with_inner())
        return known

    async def know_all(self, first: str, versions: Mapping[str, str]) -> None:
        for content in (first, *workflows_among(versions).values()):
            await self.know(content)

    @property
    def graphs(self) -> dict[ContentHash, CompiledGraph]:
        return {content: program.graph for content, program in self.by_hash.items()}


@dataclass(slots=True)
class Unrolled:
    """A thread at a position. `values`: what it held before the run under way; `state`: that run, or one that an ancestor had under way
    where this thread branched off; it began at `since`, or before the checkpoint there. `tail`: rows since the checkpoint."""

    journal: Journal
    programs: KnownPrograms
    thread: ThreadId
    values: Mapping[str, Json] = field(default_factory=dict)
    state: RunState | None = None
    since: Position = BEGINNING
    position: Position = BEGINNING
    tail: int = 0
    tail_bytes: int = 0
    size: int = 0
    """Bytes of that checkpoint and those rows: what the thread holds has no more."""

    @property
    def held(self) -> Mapping[str, Json]:
        """What the thread holds here."""
        return self.values if self.state is None else fold.carried(self.values, self.state)

    async def begin_at(self, checkpoint: Checkpoint) -> None:
        plain = json.loads(checkpoint.body)
        self.values, self.position, self.size = plain["values"], checkpoint.position, len(checkpoint.body)
        if plain["run"] is not None:
            started = plain["run"]["started"]
            await self.programs.know_all(started["workflow"], started["versions"])
            graph = self.programs.by_hash[ContentHash(started["workflow"])].graph
            self.since = checkpoint.position
            self.state = snapshot.load(plain["run"], graph, self.programs.graphs)

    async def go_to(self, position: Position | None = None) -> None:
        """Follow the rows up to `position`, or all of them."""
        while position is None or self.position < position:
            most = PAGE if position is None else min(PAGE, position - self.position)
            rows = await self.journal.read(self.programs.tenant, self.thread, self.position, most)
            await check_whole(self.journal, self.programs.tenant, self.thread, self.position, rows)
            for row in rows:
                await self.follow(row)
            self.tail += len(rows)
            self.tail_bytes += sum(len(row.body) for row in rows)
            if len(rows) < most:
                return

    async def follow(self, row: Recorded) -> events.Event:
        """Move by the next row, and answer what is in it."""
        event = self.journal.decode(row)
        self.position = row.position
        self.size += len(row.body)
        if isinstance(event, events.RunStarted):
            await self._begin(event, row.position)
        elif isinstance(event, events.RunContinued):
            self._continue(event, row.position)
        elif isinstance(event, events.StateEdited | events.StateRestored):
            self._edit(event, row.position)
        elif isinstance(event, events.RunMigrated):
            await self._migrate(event, row.position)
        elif self.state is not None:  # a run that was refused has only its last row
            fold.apply(self.state, event, row.position)
            if self.state.status is not None:
                self.values, self.state = self.held, None
        return event

    async def _begin(self, event: events.RunStarted, position: Position) -> None:
        """A run that is still under way here is an ancestor's, which goes on elsewhere: what it did so far stays."""
        if event.rules != events.RULES:
            raise SerializationError(f"run {event.run} follows rules {event.rules}, this Weft knows {events.RULES}: update it")
        await self.programs.know_all(event.workflow, event.versions)
        self.values, self.since = self.held, position
        self.state = fold.begin(event, position, self.programs.by_hash[event.workflow].graph, self.programs.graphs, self.values)

    def _continue(self, event: events.RunContinued, position: Position) -> None:
        """An ancestor's run is under way here: its row would not be there else."""
        assert self.state is not None
        self.since = position
        go_on_as(self.state, event, position)

    async def _migrate(self, event: events.RunMigrated, position: Position) -> None:
        await self.programs.know_all(event.workflow, event.versions)
        if self.state is not None:
            self.state.graphs = self.programs.graphs
            fold.apply(self.state, event, position)

    def _edit(self, event: events.StateEdited | events.StateRestored, position: Position) -> None:
        self.values = fold.edited(self.values, self.state, event)
        if self.state is not None:
            fold.apply(self.state, event, position)


async def check_whole(journal: Journal, tenant: TenantId, thread: ThreadId, after: Position, rows: Sequence[Recorded]) -> None:
    """`PositionGone` when retention removed rows behind `after`, or between these."""
    if not rows or rows[-1].position == after + len(rows):
        return
    first = next(row for number, row in enumerate(rows, after + 1) if row.position != number).position
    stands = await journal.newest_checkpoint(tenant, thread, first)
    if stands is None or stands.position < first:  # it is just being removed
        stands = await journal.newest_checkpoint(tenant, thread)
    begins = first if stands is None else max(first, stands.position)
    raise PositionGone(f"what thread {thread} did before position {begins} has been removed; it can be read from there on", begins)

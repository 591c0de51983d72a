"""The queue in memory, which the simulation runs on, and the queues on SQLite and PostgreSQL, told the same things in any order, say the
same."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from domain.ids import Position, TenantId, WorkerId
from domain.ports.inbox import CANCEL
from domain.ports.journal import Append
from domain.ports.queue import Claim
from domain.ports.repositories import NewRun
from domain.run.events import RunEnded
from domain.run.run import Run, RunStatus
from domain.run.terms import Gate, Terms
from infrastructure.ids import new_id
from infrastructure.store.memory import open_memory
from infrastructure.store.open import open_store
from infrastructure.store.store import Store
from tests.integration.store.builders import a_result, a_run, graph_of
from tests.integration.store.conftest import emptied

WORKERS = [WorkerId("ann"), WorkerId("bob")]
TENANTS = [TenantId("acme"), TenantId("zeta")]
slots = st.sampled_from([None, Gate("slot/a", 1), Gate("slot/a", 2), Gate("slot/b", 1)])
rates = st.sampled_from([None, None, Gate("rate/a", 1, 7.0), Gate("rate/b", 2, 20.0)])
terms = st.builds(
    Terms,
    delay_seconds=st.sampled_from([0.0, 0.0, 5.0]),
    head_start=st.sampled_from([0.0, 10.0, 30.0]),
    slot=slots,
    rate=rates,
    singleton=st.sampled_from([None, None, "s"]),
    debounce=st.sampled_from([None, None, "d"]),
)


class HandClock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError("nobody sleeps here")


class TwoQueues(RuleBasedStateMachine):
    answers: ClassVar = 0
    """How often both were asked and said the same."""

    def database(self) -> str:
        """Of the other queue: empty, and at the clock's time."""
        raise NotImplementedError

    def tell_time(self) -> None:
        """The clock has moved."""

    @initialize()
    def open(self) -> None:
        self.loop, self.clock, self.stack = asyncio.new_event_loop(), HandClock(), AsyncExitStack()
        url = self.database()
        here = self._do(self.stack.enter_async_context(open_memory(clock=self.clock)))
        there = self._do(self.stack.enter_async_context(open_store(url, parse=graph_of, clock=self.clock, on_committed=lambda *_: None)))
        self.stores: tuple[Store, Store] = (here, there)
        self.runs: list[Run] = []
        self.held: dict[str, Claim] = {}

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self._do(self.stack.aclose())
            self.loop.close()

    @rule(terms=terms, tenant=st.sampled_from(TENANTS), follows=st.booleans(), x=st.integers(0, 3))
    def start(self, terms: Terms, tenant: TenantId, follows: bool, x: int) -> None:
        made = replace(a_run(tenant), input={"x": x}, created_at=self.clock.now())
        before = next((run for run in reversed(self.runs) if follows and run.tenant == tenant), None)
        if before is not None:
            made = replace(made, thread=before.thread)
        started = self._same("start", lambda store: store.runs.start(NewRun(made, before is None, terms=terms)))
        if started.fresh:
            self.runs.append(started.run)

    @rule(worker=st.sampled_from(WORKERS), seconds=st.sampled_from([3.0, 30.0]))
    def claim(self, worker: WorkerId, seconds: float) -> None:
        for claim in self._same("claim", lambda store: store.queue.claim(worker, 1, seconds)):
            self.held[claim.run.id] = claim

    @rule(seconds=st.sampled_from([0.5, 3.0, 10.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.clock.time += timedelta(seconds=seconds)
        self.tell_time()

    @precondition(lambda self: self.held)
    @rule(data=st.data(), seconds=st.sampled_from([3.0, 30.0]))
    def renew(self, data: st.DataObject, seconds: float) -> None:
        claim = self._one(data)
        self._same("renew", lambda store: store.queue.renew(claim.lease.worker, [claim.lease], seconds))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        claim = self._one(data)
        self._same("release", lambda store: store.queue.release(claim.lease))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def begin_last(self, data: st.DataObject) -> None:
        claim = self._one(data)
        self._same("begin_last", lambda store: store.queue.begin_last(claim.lease))

    @rule(worker=st.sampled_from(WORKERS), data=st.data())
    def give_back(self, worker: WorkerId, data: st.DataObject) -> None:
        kept = [claim.lease for claim in self.held.values() if data.draw(st.booleans())]
        self._same("give_back", lambda store: store.queue.give_back(worker, kept))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), how=st.sampled_from(["row", "park", "park long", "end"]))
    def append(self, data: st.DataObject, how: str) -> None:
        claim = self._one(data)
        now = self.clock.now().timestamp()
        ended = replace(claim.run, status=RunStatus.COMPLETED, ended_at=self.clock.now())
        beside: dict[str, Any] = {
            "row": {},
            "park": {"run": replace(claim.run, status=RunStatus.PARKED), "release_at": now + 4},
            "park long": {"run": replace(claim.run, status=RunStatus.PARKED), "release_at": float("inf")},
            "end": {"run": ended, "release_at": now},
        }[how]
        event = RunEnded("completed", None) if how == "end" else a_result()

        async def write(store: Store) -> object:
            after = await store.journal.end(claim.lease.tenant, claim.lease.thread)
            try:
                await store.journal.append(Append(claim.lease, Position(after), [event], **beside))
            except Exception as error:
                return type(error)
            return None

        self._same("append", write)
        if how != "row":
            del self.held[claim.run.id]

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), kind=st.sampled_from([CANCEL, "signal"]))
    def wish(self, data: st.DataObject, kind: str) -> None:
        run, key = data.draw(st.sampled_from(self.runs)), new_id()
        self._same("wish", lambda store: store.inbox.put(run.tenant, run.thread, run.id, kind, {}, key))

    @invariant()
    def they_agree(self) -> None:
        if hasattr(self, "stores"):
            self._same("next due", lambda store: store.queue.next_due())
            self._same("depth", lambda store: store.queue.depth())

    def _one(self, data: st.DataObject) -> Claim:
        return self.held[data.draw(st.sampled_from(sorted(self.held)))]

    def _same(self, what: str, ask: Any) -> Any:
        here, there = (self._do(ask(store)) for store in self.stores)
        if isinstance(here, Sequence):
            here, there = list(here), list(there)
        assert here == there, what
        type(self).answers += 1
        return here

    def _do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)


class MemoryAndSqlite(TwoQueues):
    migrated: Path

    def database(self) -> str:
        folder = Path(tempfile.mkdtemp())
        self.stack.callback(shutil.rmtree, folder)
        return f"sqlite:///{shutil.copy(self.migrated, folder / 'store.db')}"


class MemoryAndPostgres(TwoQueues):
    dsn: str

    def database(self) -> str:
        self._do(emptied(self.dsn))
        self.tell_time()
        return self.dsn

    def tell_time(self) -> None:
        self._do(asked(self.dsn, "UPDATE hand.clock SET time = $1", self.clock.time))


async def asked(dsn: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


async def set_by_hand(dsn: str) -> None:
    """The statements of the store hear the time from a table."""
    name = dsn.rpartition("/")[2]
    for statement in (
        "CREATE SCHEMA hand",
        "CREATE TABLE hand.clock AS SELECT pg_catalog.statement_timestamp() AS time",
        "CREATE FUNCTION public.statement_timestamp() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT time FROM hand.clock'",
        f'ALTER DATABASE "{name}" SET search_path = public, pg_catalog',
    ):
        await asked(dsn, statement)


def play(queues: type[TwoQueues], examples: int) -> None:
    settled = settings(max_examples=examples, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(queues, settings=settled)


def test_memory_and_sqlite_are_one_queue(migrated_sqlite: Path) -> None:
    MemoryAndSqlite.migrated = migrated_sqlite
    play(MemoryAndSqlite, 25)

    assert MemoryAndSqlite.answers > 25, "they were asked, and said the same"


@pytest.mark.postgres
def test_memory_and_postgres_are_one_queue(new_postgres_database: Callable[[], str]) -> None:
    MemoryAndPostgres.dsn = new_postgres_database()
    asyncio.run(set_by_hand(MemoryAndPostgres.dsn))
    play(MemoryAndPostgres, 10)

    assert MemoryAndPostgres.answers > 10, "they were asked, and said the same"

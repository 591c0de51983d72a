"""What every shelf of runs promises of threads on which a run is unfinished, and of threads in one sequence."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import IdempotencyConflict, ThreadBusy, ThreadNotFound
from domain.ids import Position, RunId, TenantId, ThreadId
from domain.ports.repositories import IdempotencyMark, NewRun, ThreadFilter
from domain.run.run import Continued, Run, RunStatus
from domain.run.terms import OnBusy, Terms
from domain.thread import Thread, ThreadState, ThreadType
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import ANN, BOB, LONG, NOON, a_run, a_tenant, a_thread, claimed, finish, follows, park, started

ALONE = Terms(rejects_busy=True)


def on(run: Run, **told: object) -> Run:
    """Another run on its thread."""
    return replace(run, id=RunId(new_id()), **told)  # type: ignore[arg-type]


def alone(run: Run, mark: str | None = None, digest: str = "d" * 64) -> NewRun:
    return NewRun(on(run), opens_thread=False, terms=ALONE, mark=None if mark is None else IdempotencyMark(mark, digest, NOON))


async def children(store: Store, kind: ThreadType, count: int, parent: Thread | None = None) -> list[Thread]:
    root = parent or a_thread(a_tenant())
    if parent is None:
        await store.threads.add(root)
    made = [Thread(ThreadId(new_id()), root.tenant, NOON + timedelta(seconds=n), kind, parent=root.id) for n in range(count)]
    for thread in made:
        await store.threads.add(thread)
    return made


async def begun(store: Store, thread: Thread) -> Run:
    line = None if thread.line == thread.id else thread.line
    run = a_run(thread.tenant, thread=thread.id)
    await store.runs.start(NewRun(run, opens_thread=False, sequence=line))
    return run


async def test_a_start_that_rejects_a_busy_thread_is_refused_with_the_name_of_the_unfinished_run(store: Store) -> None:
    first = await started(store)

    with pytest.raises(ThreadBusy, match=first.id):
        await store.runs.start(alone(first))
    claim = await claimed(store)
    with pytest.raises(ThreadBusy, match=first.id):
        await store.runs.start(alone(first))
    await finish(store, claim)

    assert (await store.runs.start(alone(first))).fresh


@pytest.mark.parametrize("_", range(3))
async def test_of_fifty_starts_at_once_that_reject_a_busy_thread_one_is_started(store: Store, beside: Store, _: int) -> None:
    thread = a_thread(a_tenant())
    await store.threads.add(thread)
    orders = [alone(a_run(thread.tenant, thread=thread.id)) for _ in range(50)]

    answers = await asyncio.gather(*((store, beside)[n % 2].runs.start(order) for n, order in enumerate(orders)), return_exceptions=True)

    won = [answer for answer in answers if not isinstance(answer, BaseException)]
    refused = [answer for answer in answers if isinstance(answer, ThreadBusy)]
    assert (len(won), len(refused)) == (1, 49), answers
    assert won[0].run.id in refused[0].message
    assert [run.id for run in await store.runs.unfinished(thread.tenant, thread.id)] == [won[0].run.id]


async def test_a_start_that_was_acknowledged_is_answered_again_though_its_own_run_makes_the_thread_busy(store: Store) -> None:
    thread = a_thread(a_tenant())
    await store.threads.add(thread)
    first = alone(a_run(thread.tenant, thread=thread.id), "mine")
    await store.runs.start(first)

    again = await store.runs.start(alone(first.run, "mine"))

    assert (again.run.id, again.fresh) == (first.run.id, False)
    with pytest.raises(IdempotencyConflict):
        await store.runs.start(alone(first.run, "mine", "e" * 64))


async def test_who_rejects_a_busy_thread_is_told_of_one_that_is_not_there(store: Store) -> None:
    with pytest.raises(ThreadNotFound):
        await store.runs.start(alone(a_run()))


async def test_others_stand_in_line_behind_one_that_wanted_the_thread_alone(store: Store) -> None:
    first = await started(store, a_run())
    await finish(store, await claimed(store))
    order = alone(first)
    await store.runs.start(order)
    second = await follows(store, order.run)

    assert [run.id for run in await store.runs.unfinished(first.tenant, first.thread)] == [order.run.id, second.id]
    assert (await claimed(store)).run.id == order.run.id


async def test_unfinished_runs_are_told_in_the_order_of_their_starts_and_to_their_tenant_only(store: Store, beside: Store) -> None:
    first = await started(store)
    others = [await follows(store, first) for _ in range(3)]
    await started(store)

    async def unfinished(tenant: TenantId = first.tenant) -> list[RunId]:
        return [run.id for run in await beside.runs.unfinished(tenant, first.thread)]

    assert await unfinished() == [run.id for run in (first, *others)]
    assert await unfinished(a_tenant()) == []
    await finish(store, next(claim for claim in await store.queue.claim(ANN, 10, LONG) if claim.run.id == first.id))
    assert await unfinished() == [run.id for run in others]


async def test_how_a_run_deals_with_a_busy_thread_and_what_it_continues_can_be_read(store: Store) -> None:
    run = a_run(on_busy=OnBusy.ROLLBACK, continues=Continued(RunId("other"), Position(7)))

    await store.runs.start(NewRun(run))

    assert await store.runs.get(run.tenant, run.id) == run


async def test_the_trace_that_a_run_is_in_can_be_read_by_whoever_takes_it_up(store: Store) -> None:
    run = a_run(trace=f"00-{'a' * 32}-{'b' * 16}-00")

    await store.runs.start(NewRun(run))

    (claim,) = await store.queue.claim(ANN, 1, LONG)
    assert claim.run.trace == run.trace


async def test_runs_of_threads_in_sequence_take_turns_in_the_order_of_their_starts(store: Store) -> None:
    elder, younger = await children(store, ThreadType.SEQUENTIAL, 2)
    runs = [await begun(store, thread) for thread in (younger, elder, younger, elder)]

    order = []
    for _ in runs:
        claim = await claimed(store)
        assert not await store.queue.claim(BOB, 10, LONG), "nobody goes beside it"
        order.append(claim.run.id)
        await finish(store, claim)

    assert order == [run.id for run in runs]


async def test_a_parked_run_keeps_those_behind_it_in_its_sequence_waiting(store: Store) -> None:
    elder, younger = await children(store, ThreadType.SEQUENTIAL, 2)
    first, second = await begun(store, elder), await begun(store, younger)
    claim = await claimed(store)
    await park(store, claim, 1e10)

    assert not await store.queue.claim(ANN, 10, LONG)
    await store.inbox.put(first.tenant, first.thread, first.id, "signal", {}, "k")
    await finish(store, await claimed(store))
    assert (await claimed(store)).run.id == second.id


async def test_runs_of_parallel_threads_and_of_other_sequences_go_beside_each_other(store: Store) -> None:
    parallel = await children(store, ThreadType.PARALLEL, 3)
    one, other = await children(store, ThreadType.SEQUENTIAL, 1), await children(store, ThreadType.SEQUENTIAL, 1)
    runs = {(await begun(store, thread)).id for thread in (*parallel, *one, *other)}

    assert {claim.run.id for claim in await store.queue.claim(ANN, 10, LONG)} == runs


async def test_many_starts_at_once_in_one_sequence_never_run_beside_each_other(store: Store, beside: Store) -> None:
    threads = await children(store, ThreadType.SEQUENTIAL, 10)
    await asyncio.gather(*(begun((store, beside)[n % 2], thread) for n, thread in enumerate(threads)))

    for left in range(10, 0, -1):
        claims = [*await store.queue.claim(ANN, 10, LONG), *await beside.queue.claim(BOB, 10, LONG)]
        assert len(claims) == 1, left
        await finish(store, claims[0])


async def test_a_busy_sequence_does_not_make_its_other_threads_busy(store: Store) -> None:
    elder, younger = await children(store, ThreadType.SEQUENTIAL, 2)
    await begun(store, elder)
    order = NewRun(a_run(younger.tenant, thread=younger.id), opens_thread=False, terms=ALONE, sequence=younger.line)

    assert (await store.runs.start(order)).fresh
    with pytest.raises(ThreadBusy, match=order.run.id):
        await store.runs.start(replace(order, run=on(order.run)))


async def test_a_thread_is_what_the_first_of_its_unfinished_runs_is_or_what_its_last_one_came_to(store: Store) -> None:
    thread = a_thread(a_tenant())
    await store.threads.add(thread)

    async def state() -> ThreadState:
        return (await store.threads.states(thread.tenant, [thread.id]))[thread.id]

    seen = [await state()]
    first = await begun(store, thread)
    seen.append(await state())
    claim = await claimed(store)
    await follows(store, first)
    seen.append(await state())
    await park(store, claim, 0.0)
    seen.append(await state())
    await finish(store, await claimed(store))
    seen.append(await state())
    await finish(store, await claimed(store))
    seen.append(await state())

    assert [one.value for one in seen] == ["pending", "pending", "running", "paused", "pending", "completed"]
    assert await store.threads.states(a_tenant(), [thread.id]) == {}


async def test_threads_of_one_parent_are_found_by_type_and_state(store: Store) -> None:
    root = a_thread(a_tenant())
    await store.threads.add(root)
    busy, idle = await children(store, ThreadType.PARALLEL, 2, root)
    (behind,) = await children(store, ThreadType.SEQUENTIAL, 1, root)
    await begun(store, busy)
    await claimed(store)

    async def found(**told: object) -> set[ThreadId]:
        wanted = ThreadFilter(parent=root.id, **told)  # type: ignore[arg-type]
        return {thread.id for thread in (await store.threads.list(root.tenant, 10, None, wanted)).items}

    assert await found() == {busy.id, idle.id, behind.id}
    assert await found(thread_type=ThreadType.PARALLEL) == {busy.id, idle.id}
    assert await found(state=ThreadState.RUNNING) == {busy.id}
    assert await found(state=ThreadState.PENDING) == {idle.id, behind.id}
    assert await found(state=ThreadState.COMPLETED, thread_type=ThreadType.PARALLEL) == set()


async def test_a_tree_is_told_from_its_root_and_no_further_than_asked(store: Store) -> None:
    root = a_thread(a_tenant())
    await store.threads.add(root)
    first, second = await children(store, ThreadType.PARALLEL, 2, root)
    (deeper,) = await children(store, ThreadType.BRANCH, 1, first)
    await store.threads.add(a_thread(root.tenant))

    async def below(thread: Thread, limit: int = 10) -> list[ThreadId]:
        return [found.id for found in await store.threads.below(root.tenant, thread.id, limit)]

    assert await below(root) == [root.id, first.id, second.id, deeper.id]
    assert await below(first) == [first.id, deeper.id]
    assert len(await below(root, 3)) == 3
    assert await store.threads.below(a_tenant(), root.id, 10) == []


async def test_a_thread_whose_parent_is_not_there_is_refused(store: Store) -> None:
    orphan = Thread(ThreadId(new_id()), a_tenant(), NOON, ThreadType.PARALLEL, parent=ThreadId("nobody"))
    root = a_thread(a_tenant())
    await store.threads.add(root)

    for thread in (orphan, replace(orphan, parent=root.id)):
        with pytest.raises(ThreadNotFound):
            await store.threads.add(thread)
        with pytest.raises(ThreadNotFound):
            await store.threads.get(thread.tenant, thread.id)


def test_every_status_of_a_run_is_some_state_of_its_thread() -> None:
    assert {status: ThreadState.of(status) for status in RunStatus}.keys() == set(RunStatus)
    assert {status for state in ThreadState for status in state.statuses} == set(RunStatus)

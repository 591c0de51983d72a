"""Edits from outside against workers, and against each other, on databases that several processes share."""

import asyncio
from dataclasses import replace

import pytest

from application.once import Once
from application.outside import Request, WriteFromOutside, Written
from application.past import Moment, Past
from application.programs import ProgramShelf
from domain.access import Principal, Role
from domain.change import Change, Operation
from domain.errors import ThreadBusy
from domain.ids import Position, ThreadId
from domain.ports.nodes import Workshop
from domain.run.events import StateEdited
from domain.run.run import Run
from infrastructure.clock import SystemClock
from infrastructure.expressions import CelExpressions
from infrastructure.feed import ProcessFeed
from infrastructure.ids import new_id
from infrastructure.nodes.registry import InstalledNodeKinds
from infrastructure.schemas import JsonSchemas
from infrastructure.store.store import Store
from infrastructure.templates import JinjaTemplates
from tests.fakes import OneModel, TwoTools
from tests.integration.store.builders import ANN, LONG, a_claim, a_result, a_tenant, a_thread, append, park
from tests.toolbox import SameForAll

ROUNDS = 200
SHARED = [pytest.param("sqlite", id="sqlite"), pytest.param("postgres", marks=pytest.mark.postgres, id="postgres")]


def an_editor(store: Store) -> WriteFromOutside:
    workshop = Workshop(CelExpressions(), JinjaTemplates(), JsonSchemas(), OneModel(), TwoTools())
    past = Past(store.journal, store.threads, ProgramShelf(store.workflows, InstalledNodeKinds({}), workshop, SameForAll(workshop.tools)))
    clock = SystemClock()
    return WriteFromOutside(store.holds, past, store.journal, ProcessFeed(), Once(store.marks, clock), new_id, clock)


async def edit(editor: WriteFromOutside, run: Run, number: int, request: Request | None = None) -> Written | None:
    """None when it was refused."""

    async def decide(moment: Moment, key: str) -> StateEdited:
        assert f"n{number}" not in moment.values
        return StateEdited((Change(Operation.CREATE, f"/n{number}", None, number),), "ann", key=key)

    try:
        return await editor(Principal(run.tenant, Role.OPERATOR, "ann"), run.thread, request or Request(), decide)
    except ThreadBusy:
        return None


async def carried_a_step(store: Store) -> int:
    """What a worker does: claim the run if it is to be had, write a row, park it until somebody claims it. How many rows it wrote."""
    claims = await store.queue.claim(ANN, 1, LONG)
    for claim in claims:
        await append(store, claim.lease, claim.position, a_result())
        await park(store, replace(claim, position=Position(claim.position + 1)), 0.0)
    return len(claims)


async def rows_of(store: Store, run: Run) -> list[tuple[str, int]]:
    """Of each edit, in order: what it wrote, and its position."""
    rows = await store.journal.read(run.tenant, run.thread, Position(0), 10_000)
    edits = [(row, store.journal.decode(row)) for row in rows]
    return [(event.changes[0].path, row.position) for row, event in edits if isinstance(event, StateEdited)]


@pytest.mark.parametrize("backend", SHARED, indirect=True)
async def test_an_edit_that_meets_a_claim_is_done_once_or_refused_and_disturbs_no_worker(store: Store, beside: Store) -> None:
    claim = await a_claim(store)
    await park(store, claim, 0.0)
    editor, done, steps = an_editor(beside), [], 0

    for number in range(ROUNDS):
        written, stepped = await asyncio.gather(edit(editor, claim.run, number), carried_a_step(store))
        steps += stepped
        if written is not None:
            done.append((f"/n{number}", written.position))

    assert await rows_of(store, claim.run) == done
    assert await store.journal.end(claim.run.tenant, claim.run.thread) == steps + len(done)
    assert steps > 0


@pytest.mark.parametrize("backend", SHARED, indirect=True)
async def test_edits_of_two_processes_at_once_are_each_done_once_or_refused(store: Store, beside: Store) -> None:
    claim = await a_claim(store)
    await park(store, claim, 1e10)
    editors = [an_editor(store), an_editor(beside)]

    answers = await asyncio.gather(*(edit(editors[number % 2], claim.run, number) for number in range(40)))

    done = {f"/n{number}": written.position for number, written in enumerate(answers) if written is not None}
    assert dict(await rows_of(store, claim.run)) == done
    assert len(set(done.values())) == len(done) > 0


async def test_a_request_that_comes_again_after_its_answer_was_lost_finds_its_row(store: Store, beside: Store) -> None:
    thread = a_thread(a_tenant())
    await store.threads.add(thread)
    who = Principal(thread.tenant, Role.OPERATOR, "ann")
    first, second = an_editor(store), an_editor(beside)
    run = (await a_claim(store)).run
    mine = replace(run, tenant=thread.tenant, thread=ThreadId(thread.id))
    request = await first.request(who, thread.id, "key", "digest")
    written = await edit(first, mine, 1, request)
    await edit(first, mine, 2)

    again = await edit(second, mine, 1, await second.request(who, thread.id, "key", "digest"))

    assert written is not None
    assert again is not None
    assert (again.position, again.event) == (written.position, written.event)
    assert [path for path, _ in await rows_of(store, mine)] == ["/n1", "/n2"]

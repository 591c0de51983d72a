"""What every store promises about sessions."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.acting import Acting
from domain.errors import DatabaseError, SessionChanged, SessionNotFound, ThreadNotFound, ValidationError, WeftError
from domain.ids import Position, SessionId, TenantId, ThreadId
from domain.ports.repositories import NewRun, RunFilter
from domain.ports.sessions import SessionFilter
from domain.session import Session, SessionContext, SessionState
from domain.thread import Thread
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_run, a_tenant, a_thread, started

LATER = NOON + timedelta(seconds=10)


def a_session(tenant: TenantId | None = None, **told: Any) -> Session:
    made = Session(SessionId(new_id()), tenant or a_tenant(), "ada", NOON, NOON, ThreadId(new_id()))
    return replace(made, **told)


def main_of(session: Session) -> Thread:
    return Thread(session.main, session.tenant, session.created_at, session=session.id)


async def opened(store: Store, session: Session | None = None) -> Session:
    made = session or a_session()
    await store.sessions.open(made, main_of(made))
    return made


async def test_a_session_comes_back_as_it_was_opened(store: Store, beside: Store) -> None:
    full = a_session(
        user_id="é ☃",
        workflow="triage@1.0.0",
        state=SessionState.PAUSED,
        context=SessionContext({"a": [1, {"b": None}]}, {"language": "de"}, ("search", "mail.*")),
    )
    for session in (full, a_session(), a_session(context=SessionContext(permissions=()))):
        await opened(store, session)
        assert await beside.sessions.get(session.tenant, session.id) == session


async def test_its_main_thread_is_there_with_an_empty_journal(store: Store) -> None:
    session = await opened(store)

    assert await store.threads.get(session.tenant, session.main) == main_of(session)
    assert await store.journal.end(session.tenant, session.main) == Position(0)
    assert (await store.sessions.threads(session.tenant, session.id, 10, None)).items == (main_of(session),)


async def test_one_that_is_there_stays_as_it_is_and_gets_no_second_main_thread(store: Store) -> None:
    session = await opened(store)
    again = await opened(store, replace(session, user_id="bob", main=ThreadId(new_id())))

    assert await store.sessions.get(session.tenant, session.id) == session
    with pytest.raises(ThreadNotFound):
        await store.threads.get(session.tenant, again.main)


@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_a_session_whose_thread_cannot_be_kept_is_not_kept_either(store: Store) -> None:
    thread = a_thread(a_tenant())
    await store.threads.add(thread)
    session = a_session(main=thread.id)

    with pytest.raises(DatabaseError):
        await opened(store, session)
    with pytest.raises(SessionNotFound):
        await store.sessions.get(session.tenant, session.id)


async def test_what_was_saved_is_read(store: Store, beside: Store) -> None:
    session = await opened(store)
    changed = session.moved(SessionState.PAUSED, LATER)
    await store.sessions.save(changed, session.updated_at)

    assert await beside.sessions.get(session.tenant, session.id) == changed


async def test_a_change_of_what_is_not_there_any_more_is_refused_and_overwrites_nothing(store: Store) -> None:
    session = await opened(store)
    changed = session.changed(NOON, workflow="triage")
    await store.sessions.save(changed, session.updated_at)

    with pytest.raises(SessionChanged):
        await store.sessions.save(session.changed(LATER, workflow="other"), session.updated_at)
    assert await store.sessions.get(session.tenant, session.id) == changed


async def test_of_two_that_change_the_same_session_at_once_one_does(store: Store, beside: Store) -> None:
    session = await opened(store)
    wanted = [session.changed(NOON, workflow=name) for name in ("a", "b")]

    async def save(over: Store, changed: Session) -> WeftError | None:
        try:
            await over.sessions.save(changed, session.updated_at)
        except SessionChanged as error:
            return error
        return None

    refusals = await asyncio.gather(save(store, wanted[0]), save(beside, wanted[1]))

    assert sorted(refusal is None for refusal in refusals) == [False, True]
    assert await store.sessions.get(session.tenant, session.id) == wanted[refusals.index(None)]


async def test_another_tenants_session_is_not_there(store: Store) -> None:
    session, other = await opened(store), a_tenant()

    with pytest.raises(SessionNotFound) as hidden:
        await store.sessions.get(other, session.id)
    with pytest.raises(SessionNotFound) as missing:
        await store.sessions.get(other, SessionId("nobody"))
    with pytest.raises(SessionNotFound):
        await store.sessions.save(replace(session, tenant=other, user_id="eve"), session.updated_at)
    assert hidden.value.message.replace(session.id, "?") == missing.value.message.replace("nobody", "?")
    assert (await store.sessions.list(other, SessionFilter(), 10, None)).items == ()
    assert (await store.sessions.threads(other, session.id, 10, None)).items == ()
    assert await store.sessions.get(session.tenant, session.id) == session


async def test_a_list_has_pages_the_newest_first(store: Store) -> None:
    tenant = a_tenant()
    made = [await opened(store, a_session(tenant, created_at=NOON + timedelta(seconds=n))) for n in range(5)]
    first = await store.sessions.list(tenant, SessionFilter(), 3, None)
    rest = await store.sessions.list(tenant, SessionFilter(), 3, first.next_cursor)

    assert [*first.items, *rest.items] == made[::-1]
    assert rest.next_cursor is None
    with pytest.raises(ValidationError):
        await store.sessions.list(tenant, SessionFilter(), 3, "nonsense")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(SessionFilter(), ["ada paused", "bob active", "ada active"], id="all"),
        pytest.param(SessionFilter("ada"), ["ada paused", "ada active"], id="one user's"),
        pytest.param(SessionFilter(state=SessionState.ACTIVE), ["bob active", "ada active"], id="those in one state"),
        pytest.param(SessionFilter("ada", SessionState.ACTIVE), ["ada active"], id="both"),
        pytest.param(SessionFilter("eve"), [], id="nobody's"),
    ],
)
async def test_a_list_shows_what_was_asked_for(store: Store, wanted: SessionFilter, expected: list[str]) -> None:
    tenant = a_tenant()
    for number, said in enumerate(["ada active", "bob active", "ada paused"]):
        user, state = said.split()
        await opened(store, a_session(tenant, user_id=user, state=SessionState(state), created_at=NOON + timedelta(seconds=number)))

    found = await store.sessions.list(tenant, wanted, 10, None)

    assert [f"{one.user_id} {one.state.value}" for one in found.items] == expected


async def test_its_threads_have_pages_the_newest_first(store: Store) -> None:
    session = await opened(store)
    more = [replace(a_thread(session.tenant, NOON + timedelta(seconds=n)), session=session.id) for n in (1, 2, 3)]
    for thread in (*more, a_thread(session.tenant)):
        await store.threads.add(thread)
    first = await store.sessions.threads(session.tenant, session.id, 3, None)
    rest = await store.sessions.threads(session.tenant, session.id, 3, first.next_cursor)

    assert [*first.items, *rest.items] == [*more[::-1], main_of(session)]
    assert rest.next_cursor is None


async def test_runs_on_its_threads_are_its_runs(store: Store) -> None:
    session = await opened(store)
    acting = Acting(session.id, "ada", ("search",))
    mine = a_run(session.tenant, thread=session.main, acting=acting)
    await store.runs.start(NewRun(mine, opens_thread=False))
    await started(store, a_run(session.tenant))

    found = await store.runs.list(session.tenant, RunFilter(session=session.id), 10, None)

    assert [run.id for run in found.items] == [mine.id]
    assert (await store.runs.get(session.tenant, mine.id)).acting == acting
    assert (await store.runs.list(session.tenant, RunFilter(session=SessionId("nobody")), 10, None)).items == ()

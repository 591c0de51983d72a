"""Sessions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, update

from domain.ids import SessionId, TenantId, ThreadId
from domain.ports.repositories import Page
from domain.ports.sessions import SessionFilter
from domain.session import Session, SessionContext, SessionState
from domain.thread import Thread
from infrastructure.store.codec import encode, plain
from infrastructure.store.missing import no_session, session_moved_on
from infrastructure.store.rows import Row, moment, seconds
from infrastructure.store.sql.database import Database
from infrastructure.store.sql.pages import newest_first, page
from infrastructure.store.tables import heads, threads
from infrastructure.store.thread_rows import head_row, thread_of, thread_row
from infrastructure.store.thread_tables import sessions


@dataclass(frozen=True, slots=True)
class KeptSessions:
    database: Database

    async def open(self, session: Session, main: Thread) -> None:
        """The head goes before its thread: a thread that can be seen has a journal."""
        new = self.database.insert(sessions).values(_row(session)).on_conflict_do_nothing()
        async with self.database.transaction() as connection:
            if (await connection.execute(new)).rowcount:
                await connection.execute(self.database.insert(heads).values(head_row(main)))
                await connection.execute(self.database.insert(threads).values(thread_row(main)))

    async def get(self, tenant: TenantId, session: SessionId) -> Session:
        rows = await self.database.rows(select(sessions).where(sessions.c.id == session, sessions.c.tenant == tenant))
        if not rows:
            raise no_session(session)
        return _session_of(rows[0])

    async def list(self, tenant: TenantId, wanted: SessionFilter, limit: int, cursor: str | None) -> Page[Session]:
        mine = select(sessions).where(sessions.c.tenant == tenant, *_conditions(wanted))
        rows = await self.database.rows(newest_first(mine, sessions.c.created_at, sessions.c.id, limit, cursor))
        return page(rows, limit, _session_of, lambda row: (repr(row[4]), row[0]))

    async def save(self, changed: Session, since: datetime) -> None:
        mine = (sessions.c.id == changed.id, sessions.c.tenant == changed.tenant)
        if not await self.database.change(update(sessions).where(*mine, sessions.c.updated_at == seconds(since)).values(_row(changed))):
            raise session_moved_on(await self.get(changed.tenant, changed.id))

    async def threads(self, tenant: TenantId, session: SessionId, limit: int, cursor: str | None) -> Page[Thread]:
        mine = select(threads).where(threads.c.session == session, threads.c.tenant == tenant)
        rows = await self.database.rows(newest_first(mine, threads.c.created_at, threads.c.id, limit, cursor))
        return page(rows, limit, thread_of, lambda row: (repr(row[2]), row[0]))


def _conditions(wanted: SessionFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.user_id is not None:
        yield sessions.c.user_id == wanted.user_id
    if wanted.state is not None:
        yield sessions.c.state == wanted.state.value


def _row(session: Session) -> dict[str, object]:
    return {
        "id": session.id,
        "tenant": session.tenant,
        "user_id": session.user_id,
        "state": session.state.value,
        "created_at": seconds(session.created_at),
        "updated_at": seconds(session.updated_at),
        "body": encode({"main": session.main, "workflow": session.workflow, "context": session.context}),
    }


def _session_of(row: Row) -> Session:
    identity, tenant, user_id, state, created_at, updated_at, body = row
    told = plain(body)
    context, permissions = told["context"], told["context"]["permissions"]
    return Session(
        id=SessionId(identity),
        tenant=TenantId(tenant),
        user_id=user_id,
        created_at=moment(created_at),
        updated_at=moment(updated_at),
        main=ThreadId(told["main"]),
        state=SessionState(state),
        workflow=told["workflow"],
        context=SessionContext(context["metadata"], context["preferences"], None if permissions is None else tuple(permissions)),
    )

"""Sessions, in memory."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import SessionId, TenantId
from domain.ports.repositories import Page
from domain.ports.sessions import SessionFilter
from domain.session import Session
from domain.thread import Thread
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.pages import page
from infrastructure.store.missing import no_session, session_moved_on


@dataclass(frozen=True, slots=True)
class MemorySessions:
    book: Book

    async def open(self, session: Session, main: Thread) -> None:
        if session.id not in self.book.sessions:
            self.book.sessions[session.id] = session
            self.book.open_thread(main)

    async def get(self, tenant: TenantId, session: SessionId) -> Session:
        found = self.book.sessions.get(session)
        if found is None or found.tenant != tenant:
            raise no_session(session)
        return found

    async def list(self, tenant: TenantId, wanted: SessionFilter, limit: int, cursor: str | None) -> Page[Session]:
        mine = (session for session in self.book.sessions.values() if session.tenant == tenant and _holds(wanted, session))
        return page(mine, lambda session: (session.created_at.isoformat(), session.id), limit, cursor, newest_first=True)

    async def save(self, changed: Session, since: datetime) -> None:
        there = await self.get(changed.tenant, changed.id)
        if there.updated_at != since:
            raise session_moved_on(there)
        self.book.sessions[changed.id] = changed

    async def threads(self, tenant: TenantId, session: SessionId, limit: int, cursor: str | None) -> Page[Thread]:
        mine = (thread for thread in self.book.threads.values() if thread.session == session and thread.tenant == tenant)
        return page(mine, lambda thread: (thread.created_at.isoformat(), thread.id), limit, cursor, newest_first=True)


def _holds(wanted: SessionFilter, session: Session) -> bool:
    return wanted.user_id in (None, session.user_id) and wanted.state in (None, session.state)

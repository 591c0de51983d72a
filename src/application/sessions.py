"""Sessions: open one, look at it, change it, move it to another state."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final

from application.once import Once, digest_of
from application.paging import PageOrder, shown
from application.placing import cancel_for, find_session
from application.session_orders import SessionListOrder, SessionOrder, SessionPatch, a_session
from application.session_views import SessionView
from application.threads import OpenThread, ThreadOrder, threads_page
from application.views import PageView, ThreadView
from domain.access import Principal, Role
from domain.errors import Problem, SessionChanged, ValidationError
from domain.ids import NewId, SessionId, ThreadId
from domain.ports.clock import Clock
from domain.ports.inbox import Inbox
from domain.ports.repositories import RunFilter, Runs, Threads
from domain.ports.sessions import SessionFilter, Sessions
from domain.run.run import Run
from domain.session import Session, SessionState
from domain.thread import Thread

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class SessionDesk:
    sessions: Sessions
    threads: Threads
    runs: Runs
    inbox: Inbox
    once: Once
    new_id: NewId
    clock: Clock

    async def open(self, who: Principal, order: SessionOrder, key: str | None = None) -> SessionView:
        """With its main thread. With a key it is one session, however often it is asked for."""
        who.must_be(Role.OPERATOR)
        session = a_session(order, SessionId(self.new_id()), who.tenant, ThreadId(self.new_id()), self.clock.now())
        if key is not None:
            named = await self.once.named(who, key, digest_of("session", order.model_dump(mode="json")), session.id)
            session = replace(session, id=SessionId(named))
        await self.sessions.open(session, Thread(session.main, who.tenant, session.created_at, session=session.id))
        return await self.get(who, session.id)

    async def get(self, who: Principal, session: str) -> SessionView:
        who.must_be(Role.VIEWER)
        return SessionView.of(await find_session(self.sessions, who, session))

    async def list(self, who: Principal, order: SessionListOrder) -> PageView[SessionView]:
        """Newest first."""
        who.must_be(Role.VIEWER)
        wanted = SessionFilter(order.user_id, order.state)
        return shown(await self.sessions.list(who.tenant, wanted, order.limit, order.cursor), SessionView.of)

    async def change(self, who: Principal, session: str, patch: SessionPatch) -> SessionView:
        """Runs under way keep the permissions that they were started with."""
        who.must_be(Role.OPERATOR)
        while True:
            found = await find_session(self.sessions, who, session)
            changed = found.changed(self.clock.now(), **patch.changes(found))
            if await self._saved(changed, found):
                return SessionView.of(changed)

    async def pause(self, who: Principal, session: str) -> SessionView:
        """No run starts in it until it is resumed. This and the others may be asked any number of times."""
        return SessionView.of(await self._moved(who, session, SessionState.PAUSED))

    async def resume(self, who: Principal, session: str) -> SessionView:
        return SessionView.of(await self._moved(who, session, SessionState.ACTIVE))

    async def complete(self, who: Principal, session: str) -> SessionView:
        """Its runs under way go on to their end."""
        return SessionView.of(await self._moved(who, session, SessionState.COMPLETED))

    async def abort(self, who: Principal, session: str) -> SessionView:
        """Its unfinished runs are cancelled, also when it was aborted before."""
        aborted = await self._moved(who, session, SessionState.ABORTED)
        async for run in self._unfinished(aborted):
            await cancel_for(self.inbox, who, run, aborted)
        return SessionView.of(aborted)

    async def list_threads(self, who: Principal, session: str, order: PageOrder) -> PageView[ThreadView]:
        """Newest first."""
        who.must_be(Role.VIEWER)
        found = await find_session(self.sessions, who, session)
        return await threads_page(self.threads, who.tenant, await self.sessions.threads(who.tenant, found.id, order.limit, order.cursor))

    async def open_thread(self, who: Principal, session: str, order: ThreadOrder, key: str | None = None) -> ThreadView:
        """Beside its main thread, or behind another of its threads; with values of its own."""
        who.must_be(Role.OPERATOR)
        found = await find_session(self.sessions, who, session)
        if order.session_id not in (None, found.id):
            problem = Problem("/session_id", "another_session", f"the address says session {found.id}: leave `session_id` away")
            raise ValidationError("the thread cannot belong to two sessions", [problem])
        open_thread = OpenThread(self.threads, self.sessions, self.once, self.new_id, self.clock)
        return await open_thread(who, order.model_copy(update={"session_id": found.id}), key)

    async def _moved(self, who: Principal, session: str, state: SessionState) -> Session:
        who.must_be(Role.OPERATOR)
        while True:
            found = await find_session(self.sessions, who, session)
            moved = found.moved(state, self.clock.now())
            if moved == found or await self._saved(moved, found):
                return moved

    async def _saved(self, changed: Session, found: Session) -> bool:
        """False: somebody else was quicker."""
        try:
            await self.sessions.save(changed, found.updated_at)
        except SessionChanged:
            return False
        return True

    async def _unfinished(self, session: Session) -> AsyncIterator[Run]:
        """Out of all its runs: asked for by status, one that moves to another meanwhile might be missed."""
        cursor: str | None = None
        while True:
            page = await self.runs.list(session.tenant, RunFilter(session=session.id), _PAGE, cursor)
            for run in page.items:
                if not run.status.is_final:
                    yield run
            cursor = page.next_cursor
            if cursor is None:
                return

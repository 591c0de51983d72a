"""Where a run that is asked for belongs: on a thread of its own, on one that is there, in a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from application.names import id_or
from application.run_orders import RunOrder
from domain.access import Principal
from domain.errors import SessionNotFound, ThreadNotFound
from domain.ids import SessionId, ThreadId
from domain.ports.inbox import Inbox
from domain.ports.repositories import Threads

if TYPE_CHECKING:
    from domain.acting import Acting
    from domain.ports.sessions import Sessions
    from domain.run.run import Run
    from domain.session import Session
    from domain.thread import Thread


@dataclass(frozen=True, slots=True)
class Place:
    """`thread` None: a new one. `acting` None: no session."""

    thread: Thread | None = None
    acting: Acting | None = None

    @property
    def sequence(self) -> str | None:
        """The line that the thread's runs share with those of others."""
        return None if self.thread is None or self.thread.line == self.thread.id else self.thread.line


ANYWHERE: Final = Place()


@dataclass(frozen=True, slots=True)
class FindPlace:
    """A run on a session's thread is the session's, whether the order says so or not."""

    threads: Threads
    sessions: Sessions
    inbox: Inbox

    async def __call__(self, who: Principal, order: RunOrder) -> Place:
        """`ThreadNotFound`, `SessionNotFound`; `IllegalTransition` where the session is not active."""
        if order.thread_id is None and order.session_id is None:
            return ANYWHERE
        session = None if order.session_id is None else await find_session(self.sessions, who, order.session_id)
        thread = await self._thread(who, order, session)
        if session is None and thread.session is not None:
            session = await self.sessions.get(who.tenant, thread.session)
        if session is None:
            return Place(thread)
        session.must_be_active()
        return Place(thread, session.acting)

    async def _thread(self, who: Principal, order: RunOrder, session: Session | None) -> Thread:
        if order.thread_id is None and session is not None:
            return await self.threads.get(who.tenant, session.main)
        thread = await self.threads.get(who.tenant, ThreadId(id_or(ThreadNotFound, order.thread_id or "")))
        if session is not None and thread.session != session.id:
            raise ThreadNotFound(f"session {session.id} has no thread {thread.id}")
        return thread

    async def look_again(self, who: Principal, run: Run) -> None:
        """Whoever aborts a session cancels the runs that they see; one that is started at that moment cancels itself."""
        if run.acting is None:
            return
        session = await self.sessions.get(who.tenant, run.acting.session)
        if session.is_aborted:
            await cancel_for(self.inbox, who, run, session)


async def find_session(sessions: Sessions, who: Principal, session: str) -> Session:
    return await sessions.get(who.tenant, SessionId(id_or(SessionNotFound, session)))


async def cancel_for(inbox: Inbox, who: Principal, run: Run, session: Session) -> None:
    """Asked for any number of times it is one wish."""
    body = {"by": who.name, "reason": f"session {session.id} was aborted"}
    await inbox.put(run.tenant, run.thread, run.id, "cancel", body, "cancel")

"""Sessions, and the threads they hold. Each call is its own transaction; another tenant's session does not exist."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.ids import SessionId, TenantId
from domain.ports.repositories import Page
from domain.session import Session, SessionState
from domain.thread import Thread


@dataclass(frozen=True, slots=True)
class SessionFilter:
    user_id: str | None = None
    state: SessionState | None = None


class Sessions(Protocol):
    async def open(self, session: Session, main: Thread) -> None:
        """Keep a new session and its main thread, both or neither. One that is there stays as it is, with the thread that it has."""

    async def get(self, tenant: TenantId, session: SessionId) -> Session:
        """`SessionNotFound` when there is none."""

    async def list(self, tenant: TenantId, wanted: SessionFilter, limit: int, cursor: str | None) -> Page[Session]:
        """Newest first."""

    async def save(self, changed: Session, since: datetime) -> None:
        """Keep it in place of the one whose `updated_at` is `since`. `SessionChanged` when that is another by now: of two at once one is
        kept. `SessionNotFound` when there is none."""

    async def threads(self, tenant: TenantId, session: SessionId, limit: int, cursor: str | None) -> Page[Thread]:
        """Those it holds, newest first."""

"""A connection that is kept: opened, looked after, and opened again when it is lost, ever less eagerly."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from domain.json import JsonObject
from domain.ports.clock import Clock
from domain.tool_servers import ServerState
from infrastructure.tools.mcp.backing_off import Backoff
from infrastructure.tools.mcp.losing import ConnectionLost
from infrastructure.tools.mcp.opening import Opening
from infrastructure.tools.mcp.session import Session
from infrastructure.tools.mcp.settings import ServerPart
from infrastructure.tools.mcp.texts import first_of, reason_of

PING_SECONDS: Final = 30.0
PINGS_A_LOOK: Final = 10
"""Servers that change their tools and do not say so are found out after so many."""
LISTED_SECONDS: Final = 1.0
"""Between two looks at tools of which a server says that they change and change."""
CLOSING_SECONDS: Final = 10.0
R = TypeVar("R")
log = logging.getLogger(__name__)

Offers = Callable[[dict[str, tuple[JsonObject, str]]], Awaitable[None]]


class KeptConnection:
    """`offers` hears what the server offers, before anybody may call. One task; `start` it in the loop that calls."""

    def __init__(self, name: str, part: ServerPart, opening: Opening, offers: Offers, clock: Clock) -> None:
        self._name, self._part, self._opening, self._offers, self._clock = name, part, opening, offers, clock
        self._task: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self._up = asyncio.Event()
        self._tried = asyncio.Event()
        self._is_closed = False
        self.state, self.since = ServerState.IDLE, clock.now()
        self.restarts, self.last_error = 0, ""

    def start(self) -> None:
        """Not once it is closed: nobody would end it."""
        if not self._is_closed and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._keep(), name=f"mcp server {self._name}")

    async def close(self) -> None:
        """For good."""
        self._is_closed, task = True, self._task
        for waited_for in (self._up, self._tried):
            waited_for.set()
        while task is not None and not task.done():
            # Again: what the SDK is built on swallows a cancellation that comes while it cancels tasks of its own.
            task.cancel()
            await asyncio.wait({task}, timeout=CLOSING_SECONDS)
        self._session = None
        self._is(ServerState.IDLE)

    async def first_try(self, seconds: float) -> None:
        """Until it has come off or failed, or so long; nobody waits for it again."""
        try:
            async with asyncio.timeout(seconds):
                await self._tried.wait()
        except TimeoutError:
            self._tried.set()
            log.warning("mcp server %s: no answer within %g seconds; it is still tried", self._name, seconds)

    async def ready(self, seconds: float) -> Session:
        """`ConnectionLost` when there is none in time, with why."""
        self._must_be_open()
        try:
            async with asyncio.timeout(seconds):
                while self._session is None or self._session.loss.is_told:
                    self.start()
                    self._up.clear()
                    await self._up.wait()
                    self._must_be_open()
        except TimeoutError:
            raise ConnectionLost(self.last_error or "it has not answered yet", refused=True) from None
        return self._session

    def _must_be_open(self) -> None:
        if self._is_closed:
            raise ConnectionLost("it is closed", refused=True)

    async def _keep(self) -> None:
        backoff, began = Backoff(), self._clock.monotonic()
        while not self._is_closed:
            self._is(ServerState.STARTING)
            try:
                began = self._clock.monotonic()
                async with self._opening.session(self._name, self._part) as session:
                    await self._look_after(session)
            # Whatever a server, its network or the SDK makes of a connection, and be it a cancellation that nobody asked for: it is lost.
            except (Exception, asyncio.CancelledError, BaseExceptionGroup) as error:
                self._session = None
                if not isinstance(error, Exception) and self._is_asked_to_stop():
                    raise
                self._lost(error)
            if self._is_closed:
                return
            await self._clock.sleep(backoff.next(self._clock.monotonic() - began))
            self.restarts += 1

    async def _look_after(self, session: Session) -> None:
        """Until it is lost, which is raised."""
        await self._list(session)
        self._session, self.last_error = session, ""
        self._is(ServerState.UP)
        self._up.set()
        self._tried.set()
        pings = 0
        while not session.loss.is_told:
            await _either(session.loss.wait(), session.changed.wait(), PING_SECONDS)
            if session.loss.is_told:
                break
            pings += 1
            if session.changed.is_set() or (pings >= PINGS_A_LOOK and not session.under_way):
                pings = 0
                await self._list_again(session)
            elif not session.under_way:
                await self._is_well(session, self._within_time(session, session.ping()))
        raise ConnectionLost(session.loss.reason)

    async def _list(self, session: Session) -> None:
        await self._offers(await self._within_time(session, session.tools()))

    async def _list_again(self, session: Session) -> None:
        session.changed.clear()
        if await self._is_well(session, self._list(session)):
            await _either(session.loss.wait(), None, LISTED_SECONDS)
        else:
            session.changed.set()
            await _either(session.loss.wait(), None, PING_SECONDS)

    async def _is_well(self, session: Session, asking: Awaitable[None]) -> bool:
        """False is no reason to end a server, which may have calls to answer: it said what cannot be used, or we could not keep it."""
        try:
            await asking
        except ConnectionLost:
            raise
        except Exception as error:
            log.warning("mcp server %s could not be looked at again: %s", self._name, self._said(error))
            return False
        return True

    async def _within_time(self, session: Session, answer: Awaitable[R]) -> R:
        """A server that answers calls one after another answers this after them: `TimeoutError`, and not `ConnectionLost`."""
        try:
            async with asyncio.timeout(self._part.start_seconds):
                return await answer
        except TimeoutError:
            if session.under_way:
                raise
            raise ConnectionLost(f"no answer within {self._part.start_seconds:g} seconds") from None

    def _lost(self, error: BaseException) -> None:
        self._session = None
        self.last_error = self._said(error)
        self._is(ServerState.DOWN)
        self._tried.set()
        log.warning("mcp server %s is lost: %s", self._name, self.last_error)

    def _said(self, error: BaseException) -> str:
        found = first_of(error)
        is_late = isinstance(found, TimeoutError) and not str(found)
        return f"no answer within {self._part.start_seconds:g} seconds" if is_late else reason_of(found, self._opening.redact)

    def _is_asked_to_stop(self) -> bool:
        task = asyncio.current_task()
        return self._is_closed or (task is not None and task.cancelling() > 0)

    def _is(self, state: ServerState) -> None:
        if state is not self.state:
            self.state, self.since = state, self._clock.now()


async def _either(one: Awaitable[None], other: Awaitable[bool] | None, seconds: float) -> None:
    """Until one of them, or so long."""
    tasks = [asyncio.ensure_future(each) for each in (one, other) if each is not None]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()

"""What keeps a connection: it ends no server that is busy, and is itself not ended by anything but `close`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from domain.errors import ToolError
from domain.tool_servers import ServerState
from infrastructure.clock import SystemClock
from infrastructure.tools.mcp import connection
from infrastructure.tools.mcp.connection import KeptConnection
from infrastructure.tools.mcp.losing import ConnectionLost, Loss
from infrastructure.tools.mcp.opening import Opening
from infrastructure.tools.mcp.session import Session
from infrastructure.tools.mcp.settings import ServerPart
from tests.integration.mcp.house import eventually

QUICK = 0.01


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PING_SECONDS", "LISTED_SECONDS"):
        monkeypatch.setattr(connection, name, QUICK)
    monkeypatch.setattr(connection, "PINGS_A_LOOK", 2)
    monkeypatch.setattr("infrastructure.tools.mcp.backing_off.SHORTEST", QUICK)


@dataclass
class FakeSession:
    """`raises`: in turn, by each look at its tools; `None` answers. While it `hangs` it answers nothing."""

    raises: list[Exception | None] = field(default_factory=list)
    loss: Loss = field(default_factory=lambda: Loss(str))
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0
    looks: int = 0
    hangs: bool = False

    async def tools(self) -> dict[str, Any]:
        self.looks += 1
        await self.ping()
        error = self.raises.pop(0) if self.raises else None
        if error is not None:
            raise error
        return {}

    async def ping(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()


@dataclass
class Openings:
    """Each opening raises what is next in `raises`, or has a session."""

    session_of: Callable[[], FakeSession] = FakeSession
    raises: list[BaseException] = field(default_factory=list)
    opened: list[FakeSession] = field(default_factory=list)

    def redact(self, text: str) -> str:
        return text.replace("s3cret", "(secret)")

    @asynccontextmanager
    async def session(self, name: str, part: ServerPart) -> AsyncIterator[Session]:
        if self.raises:
            raise self.raises.pop(0)
        self.opened.append(self.session_of())
        yield cast("Session", self.opened[-1])


def kept(opening: Openings, offers: Sequence[Exception] = ()) -> KeptConnection:
    failures = list(offers)

    async def hear(offered: object) -> None:
        if failures and len(opening.opened[-1:]) and opening.opened[-1].looks > 1:
            raise failures.pop(0)

    part = ServerPart(command=("x",), start_seconds=0.05)
    return KeptConnection("x", part, cast("Opening", opening), hear, SystemClock())


async def test_a_server_that_is_busy_with_a_call_is_neither_asked_nor_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def either(one: Any, other: Any, seconds: float) -> None:
        waits.append(seconds)
        await waiting(one, other, seconds)

    waiting = connection._either
    monkeypatch.setattr(connection, "_either", either)
    opening = Openings()
    one = kept(opening)
    session = cast("FakeSession", await one.ready(2))
    session.under_way, session.hangs = 1, True
    looks = session.looks
    waits.clear()

    await eventually(lambda: len(waits) > 8)

    assert (session.looks, len(opening.opened), one.state) == (looks, 1, ServerState.UP)
    await one.close()


async def test_a_busy_server_that_says_its_tools_changed_may_answer_which_later() -> None:
    opening = Openings()
    one = kept(opening)
    session = cast("FakeSession", await one.ready(2))
    session.under_way, session.hangs = 1, True
    before = session.looks

    session.changed.set()
    await eventually(lambda: session.looks >= before + 2)
    session.hangs, session.under_way = False, 0
    await eventually(lambda: not session.changed.is_set())

    assert (len(opening.opened), one.state) == (1, ServerState.UP)
    await one.close()


async def test_a_server_that_hangs_and_has_no_call_is_started_again() -> None:
    opening = Openings()
    one = kept(opening)
    session = cast("FakeSession", await one.ready(2))

    session.hangs = True

    await eventually(lambda: len(opening.opened) == 2)
    assert cast("FakeSession", await one.ready(2)) is not session
    await one.close()


async def test_a_look_that_fails_is_made_again_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    opening = Openings(lambda: FakeSession([None, ToolError("not today"), ValueError("s3cret")]))
    one = kept(opening, [OSError("no database")])
    session = cast("FakeSession", await one.ready(2))

    await eventually(lambda: session.looks >= 5)

    assert (len(opening.opened), one.state) == (1, ServerState.UP)
    for said in ("not today", "(secret)", "no database"):
        assert f"mcp server x could not be looked at again: {said}" in caplog.text
    await one.close()


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(BaseExceptionGroup("x", [asyncio.CancelledError()]), id="a group of no mere errors"),
        pytest.param(asyncio.CancelledError(), id="a cancellation that nobody asked for"),
    ],
)
async def test_whatever_an_opening_raises_it_is_tried_again(error: BaseException) -> None:
    opening = Openings(raises=[error])
    one = kept(opening)

    await one.ready(2)

    assert (len(opening.opened), one.restarts) == (1, 1)
    await one.close()


async def test_a_keeper_that_was_ended_is_begun_anew_by_the_next_call() -> None:
    opening = Openings()
    one = kept(opening)
    await one.ready(2)
    assert one._task is not None
    one._task.cancel()
    await asyncio.wait([one._task])

    await one.ready(2)

    assert len(opening.opened) == 2
    await one.close()


async def test_what_is_closed_is_not_begun_again() -> None:
    opening = Openings()
    one = kept(opening)
    await one.ready(2)
    await one.close()

    with pytest.raises(ConnectionLost, match="it is closed"):
        await one.ready(2)

    await one.first_try(2)
    assert (len(opening.opened), one.state) == (1, ServerState.IDLE)


async def test_who_waits_for_a_connection_is_told_when_it_is_closed() -> None:
    one = kept(Openings(raises=[OSError("none")] * 100))
    waiting = asyncio.create_task(one.ready(30))
    await eventually(lambda: one.restarts > 0)

    await one.close()

    with pytest.raises(ConnectionLost, match="it is closed"):
        await waiting

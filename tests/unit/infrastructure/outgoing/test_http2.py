"""Services that want HTTP/2 get it, each request on a connection of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infrastructure.outgoing import door as module
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.outgoing.door import Door
from infrastructure.outgoing.messages import Ask, NotAnswered
from tests.servers.http2 import Http2, speaking_http2


@pytest.fixture
async def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Http2]:
    async with speaking_http2(tmp_path) as server:
        monkeypatch.setattr(module, "_certificates", server.trusting)
        yield server


def door_to(server: Http2, connections: int = 100) -> Door:
    return Door(Addresses(Allowed(names=(server.place,))), connections)


async def test_a_server_that_speaks_nothing_else_is_answered(there: Http2) -> None:
    answer = await door_to(there).ask(Ask(f"https://{there.place}/a?b=c", "POST", {"X-Trace": "t"}, b"body"))

    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"hello", "text/plain")
    (asked,) = there.asked
    assert (asked[":method"], asked[":path"], asked[":authority"], asked["x-trace"]) == ("POST", "/a?b=c", there.place, "t")


async def test_requests_at_once_share_no_connection(there: Http2) -> None:
    door = door_to(there)
    answers = await asyncio.gather(*(door.ask(Ask(f"https://{there.place}/{number}")) for number in range(5)))

    assert [answer.body for answer in answers] == [b"hello"] * 5
    assert there.connections == 5


async def test_an_answer_that_is_cut_stops_no_later_one(there: Http2) -> None:
    there.body = b"x" * 300_000
    door = door_to(there, connections=1)
    for _ in range(5):
        assert (await door.ask(Ask(f"https://{there.place}/", most=1_000, cut=True))).is_cut
    whole = await door.ask(Ask(f"https://{there.place}/", most=400_000))

    assert len(whole.body) == 300_000


async def test_what_is_too_large_is_refused_as_always(there: Http2) -> None:
    there.body = b"x" * 300_000
    with pytest.raises(NotAnswered) as failed:
        await door_to(there).ask(Ask(f"https://{there.place}/", most=1_000))

    assert (failed.value.code, failed.value.may_have_arrived) == ("answer_too_large", True)


async def test_a_certificate_that_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    async with speaking_http2(tmp_path) as server:
        with pytest.raises(NotAnswered) as failed:
            await door_to(server).ask(Ask(f"https://{server.place}/"))

    assert (failed.value.code, failed.value.may_have_arrived, server.asked) == ("connection_failed", False, [])

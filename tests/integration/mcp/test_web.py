"""Servers over streamable HTTP, through the guarded door."""

import gzip
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import httpcore2
import pytest

from domain.ids import TenantId
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.outgoing.streaming import _CheckedBackend
from infrastructure.tools.mcp.settings import ServerPart
from tests.integration.mcp.house import CONTEXT, SECRETS, Household, answer, refusal, within
from tests.integration.mcp.web import Web, events
from tests.servers import speaker
from tests.servers.speaker import Speaker, speaking

LATER = {"method": "notifications/progress", "params": {"progressToken": 3, "progress": 1, "total": 2, "message": "half"}}


@pytest.fixture
async def trap() -> AsyncIterator[Speaker]:
    async with speaking() as found:
        yield found


@pytest.fixture
async def here() -> AsyncIterator[Speaker]:
    async with speaking() as found:
        yield found


async def connected(house: Household, here: Speaker, web: Web, **told: object) -> Household:
    here.said = web.say
    house.addresses = Addresses(Allowed(names=(here.place,)))
    await house.open(web=ServerPart.model_validate({"url": f"{here.url}/mcp", "start_seconds": 5, **told}))
    return house


async def test_tools_are_called_with_the_headers_of_their_owner(house: Household, here: Speaker) -> None:
    await connected(house, here, Web(), headers={"Authorization": "Bearer ${secret.token}"})

    assert answer(await house.call("web__echo", text="x")) == "x"
    assert {one.headers["authorization"] for one in here.heard} == {"Bearer s3cret-value"}


async def test_an_answer_that_is_a_stream_tells_of_progress(house: Household, here: Speaker) -> None:
    result = {"id": 3, "result": {"content": [{"type": "text", "text": "whole"}]}}
    await connected(house, here, Web([events(LATER, result)]))
    told: list[str] = []

    assert answer(await house.call("web__echo", replace(CONTEXT, tell=told.append), text="x")) == "whole"
    assert told == ["half (1 of 2)"]


async def test_a_stream_that_ends_before_the_answer_leaves_a_call_unknown(house: Household, here: Speaker) -> None:
    await connected(house, here, Web([events(LATER)]))

    result = await house.call("web__echo", text="x")

    assert (refusal(result), result.unknown) == ("tool_died", True)


async def test_a_session_that_the_server_has_forgotten_is_begun_anew_and_the_call_made_once(house: Household, here: Speaker) -> None:
    web = Web()
    await connected(house, here, web)
    web.session = "two"

    assert answer(await house.call("web__echo", text="x")) == "x"
    assert web.methods.count("initialize") == 2


def an_error(code: int, message: str, status: int = 200) -> bytes:
    """As the answer to the first call, which is the third question."""
    body = json.dumps({"jsonrpc": "2.0", "id": 3, "error": {"code": code, "message": message}}).encode()
    return speaker.answer(body, status, Content_Type="application/json")


@pytest.mark.parametrize(
    ("said", "unknown"),
    [
        pytest.param(an_error(-32600, "no request"), False, id="it is no request"),
        pytest.param(an_error(-32601, "no such method"), False, id="there is no such method"),
        pytest.param(an_error(-32602, "no such tool"), False, id="wrong parameters"),
        pytest.param(an_error(-32602, "no such tool", status=400), False, id="wrong parameters, and HTTP says so too"),
        pytest.param(an_error(-32603, "internal error"), True, id="an error of its own"),
        pytest.param(an_error(-32000, "not today"), True, id="an error that nobody else knows"),
        pytest.param(speaker.answer(b"{garbled", Content_Type="application/json"), True, id="a garbled body"),
        pytest.param(events({"id": 3, "what": "garbled"}), True, id="a garbled event"),
        pytest.param(speaker.answer(b"<p>It is done.</p>", Content_Type="text/html"), True, id="a page for people"),
        pytest.param(speaker.answer(status=202), True, id="that it will do it"),
        pytest.param(an_error(-32600, "Unexpected content type: a/b"), True, id="words of our own library"),
        pytest.param(an_error(-32600, "Session terminated"), True, id="the words for a session that is no more"),
    ],
)
async def test_only_an_error_that_says_so_tells_that_nothing_was_done(house: Household, here: Speaker, said: bytes, unknown: bool) -> None:
    web = Web([said])
    await connected(house, here, web)

    result = await house.call("web__echo", text="x")

    assert (result.error is not None, result.unknown, web.methods.count("tools/call")) == (True, unknown, 1)


async def test_a_session_that_is_forgotten_with_a_reason_is_begun_anew_too(house: Household, here: Speaker) -> None:
    web = Web([an_error(-32001, "Session not found", status=404)])
    await connected(house, here, web)

    assert answer(await house.call("web__echo", text="x")) == "x"
    assert web.methods.count("initialize") == 2


async def test_a_header_that_cannot_be_sent_is_not_shown(house: Household, here: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECRETS, "token", "s3cret-value\nX: y")
    await connected(house, here, Web(), headers={"Authorization": "Bearer ${secret.token}"})

    said = (await house.health("web")).last_error

    assert said == "the header Authorization has what no header may have"
    assert here.connections == 0


async def test_a_secret_in_the_reason_of_a_loss_is_taken_out(house: Household, here: Speaker, caplog: pytest.LogCaptureFixture) -> None:
    await connected(house, here, Web())
    house.servers._servers["web"].connection._lost(ValueError("it was s3cret-value"))

    assert house.servers._servers["web"].connection.last_error == "it was (secret)"
    assert "s3cret-value" not in caplog.text


async def test_why_a_server_cannot_be_reached_is_for_its_owner_only(house: Household, here: Speaker) -> None:
    await connected(house, here, Web())
    await house.servers.close()
    house.addresses = Addresses()
    servers = await house.open()
    guest = replace(within(0.3), tenant=TenantId("guest"))
    mine = await house.call("web__echo", within(1.5), text="x")

    theirs = await house.call("web__echo", guest, text="x")

    assert "127.0.0.1 is not a public address" in (mine.error.message if mine.error else "")
    assert (theirs.error.message if theirs.error else "") == "web cannot be reached"
    assert servers.why_not("web__other") == "there is no tool web__other, and the server web cannot be reached"


async def test_addresses_that_are_dead_leave_time_for_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[str, float | None]] = []

    async def connect(net: object, address: str, port: int, timeout: float | None, *more: object) -> None:
        tried.append((address, timeout))
        raise httpcore2.ConnectTimeout

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1", "127.0.0.2", "127.0.0.3"]

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", connect)
    backend = _CheckedBackend(Addresses(Allowed(names=("dead.test",)), resolve))

    with pytest.raises(httpcore2.ConnectTimeout):
        await backend.connect_tcp("dead.test", 80, 30.0)

    assert tried == [("127.0.0.1", 3.0), ("127.0.0.2", 3.0), ("127.0.0.3", 30.0)]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(speaker.answer(gzip.compress(b"{}"), Content_Type="application/json", Content_Encoding="gzip"), id="packed"),
        pytest.param(speaker.answer(b"x" * (9 * 1024 * 1024), Content_Type="application/json"), id="too long"),
        pytest.param(events({"method": "x" * (9 * 1024 * 1024)}), id="too long an event"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 90_000 + b"\r\n\r\n", id="too long a head"),
        pytest.param(b"\xff\x00 what\r\n\r\n", id="no HTTP"),
        pytest.param(speaker.answer(status=500), id="a failure"),
    ],
)
async def test_what_cannot_be_read_is_an_answer_nobody_knows(house: Household, here: Speaker, said: bytes) -> None:
    await connected(house, here, Web([said]))

    result = await house.call("web__echo", text="x")

    assert (refusal(result), result.unknown) == ("tool_died", True)
    assert answer(await house.call("web__echo", text="x")) == "x"


async def test_an_address_that_is_not_allowed_is_not_connected_to(house: Household, here: Speaker) -> None:
    await house.open(web=ServerPart(url=f"{here.url}/mcp"))

    assert "127.0.0.1 is not a public address" in (await house.health("web")).last_error
    assert here.connections == 0


async def test_a_name_that_turns_to_another_address_is_connected_to_where_it_was_checked(house: Household) -> None:
    async with speaking("127.0.0.2") as good, speaking("127.0.0.1", good.port) as trap:
        turns: list[str] = []
        has_turned = False

        async def resolve(host: str, port: int) -> Sequence[str]:
            turns.append(host)
            return ["127.0.0.1"] if has_turned else ["127.0.0.2"]

        good.said = Web().say
        house.addresses = Addresses(Allowed(names=("127.0.0.2",)), resolve)
        await house.open(web=ServerPart(url=f"http://turning.test:{good.port}/mcp"))
        assert answer(await house.call("web__echo", text="x")) == "x"
        before, has_turned = good.connections, True

        result = await house.call("web__echo", within(0.5), text="x")

        assert "turning.test (127.0.0.1) is not a public address" in (result.error.message if result.error else "")
        assert (good.connections, trap.connections) == (before, 0)
        assert len(turns) > before


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_leads_nowhere_else(house: Household, here: Speaker, trap: Speaker, status: int) -> None:
    await connected(house, here, Web([speaker.moved(f"{trap.url}/mcp", status)]), headers={"Authorization": "Bearer x"})

    assert refusal(await house.call("web__echo", text="x")) in ("tool_failed", "tool_died")
    assert trap.connections == 0


async def test_nothing_is_taken_from_the_environment(
    house: Household, here: Speaker, trap: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, trap.url)
    await connected(house, here, Web())

    assert answer(await house.call("web__echo", text="x")) == "x"
    assert trap.connections == 0

"""Servers over streamable HTTP, through the guarded door."""

import gzip
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.tools.mcp.settings import ServerPart
from tests.integration.mcp.house import CONTEXT, Household, answer, refusal, within
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

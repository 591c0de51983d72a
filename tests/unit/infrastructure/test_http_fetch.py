"""`http_fetch`, called as a run calls it, over real connections."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.tool import ToolExecutionResult
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.outgoing.door import Door
from infrastructure.tools.builtin import reaching_tools
from tests.servers.speaker import Speaker, moved, speaking
from tests.servers.speaker import answer as said
from tests.toolbox import tools_of
from tests.unit.infrastructure.tool_calls import CONTEXT, HandClock, answer, refusal


@pytest.fixture
async def here() -> AsyncIterator[Speaker]:
    async with speaking() as speaker:
        yield speaker


async def fetch(here: Speaker, *, is_allowed: bool = True, **arguments: Any) -> ToolExecutionResult:
    door = Door(Addresses(Allowed(names=(here.place,) if is_allowed else ())))
    tools = tools_of(HandClock(), reaching_tools(door, HandClock()))
    return await tools.call("http_fetch", {"url": here.url, **arguments}, CONTEXT)


async def fetched(here: Speaker, **arguments: Any) -> dict[str, Any]:
    found = answer(await fetch(here, **arguments))
    assert isinstance(found, dict)
    return found


async def test_a_text_comes_as_text(here: Speaker) -> None:
    here.said = said("schön".encode("latin-1"), Content_Type="text/plain; charset=ISO-8859-1")
    found = await fetched(here, headers={"X-Asked": "yes"})

    assert here.heard[0].headers["x-asked"] == "yes"
    assert found == {
        "status": 200,
        "url": here.url,
        "headers": {"content-length": "5", "content-type": "text/plain; charset=ISO-8859-1"},
        "content_type": "text/plain; charset=ISO-8859-1",
        "text": "schön",
        "base64": None,
        "truncated": False,
    }


@pytest.mark.parametrize(
    ("kind", "is_text"),
    [
        ("application/json", True),
        ("application/problem+json; a=b", True),
        ("application/xml", True),
        ("image/svg+xml", True),
        ("image/png", False),
        ("application/octet-stream", False),
        ("", False),
        ("application/octet-stream; charset=utf-8", True),
        ("text/html; charset=no-such-thing", True),
        ('text/plain; a="' + ";" * 16_000, True),
        ("text/plain; charset*" + "1" * 5_000 + "=utf-8", True),
    ],
)
async def test_what_is_no_text_comes_in_base64(here: Speaker, kind: str, is_text: bool) -> None:
    here.said = said(b"{}", Content_Type=kind)
    found = await fetched(here)
    assert (found["text"], found["base64"]) == (("{}", None) if is_text else (None, base64.b64encode(b"{}").decode()))


async def test_what_cannot_be_read_or_would_steer_a_terminal_is_marked(here: Speaker) -> None:
    here.said = said(b"a\xff\x1b[31mred\x00\x9b\r\n\tb", Content_Type="text/plain", X_Odd="a\x1bb")
    found = await fetched(here)
    assert found["text"] == "a\ufffd\ufffd[31mred\ufffd\ufffd\r\n\tb"
    assert found["headers"]["x-odd"] == "a\ufffdb"


async def test_a_long_body_is_cut_and_says_so(here: Speaker) -> None:
    here.said = said(b"x" * 5_000_000, Content_Type="text/plain")
    shorter, usual = await fetched(here, max_bytes=10), await fetched(here)
    assert (shorter["text"], shorter["truncated"], len(usual["text"]), usual["truncated"]) == ("x" * 10, True, 262_144, True)


async def test_a_redirect_is_followed_and_its_end_named(here: Speaker) -> None:
    async with speaking() as further:
        further.said = moved(f"{here.url}/end")
        door = Door(Addresses(Allowed(names=(here.place, further.place))))
        tools = tools_of(HandClock(), reaching_tools(door, HandClock()))
        found = answer(await tools.call("http_fetch", {"url": further.url}, CONTEXT))
    assert isinstance(found, dict)
    assert found["url"] == f"{here.url}/end"


async def test_what_is_not_public_is_not_reached(here: Speaker) -> None:
    result = await fetch(here, is_allowed=False)
    assert (refusal(result), here.connections) == ("address_refused", 0)
    assert result.error is not None
    assert ("WEFT_HTTP_PRIVATE" in result.error.message, result.error.retryable) == (True, False)


@pytest.mark.parametrize(("status", "is_retryable"), [(400, False), (404, False), (429, True), (500, True), (501, False), (503, True)])
async def test_a_refusal_of_the_server_is_an_error_unless_it_is_wanted(here: Speaker, status: int, is_retryable: bool) -> None:
    here.said = said(b"no such thing", status, Retry_After="7")
    result = await fetch(here)
    assert result.error is not None
    assert (result.error.code, result.error.retryable, result.error.retry_after) == (f"http_{status}", is_retryable, 7.0)
    assert "no such thing" in result.error.message
    assert (await fetched(here, any_status=True))["status"] == status


async def test_who_is_not_there_may_be_there_later() -> None:
    async with speaking() as gone:
        pass
    result = await fetch(gone)
    assert result.error is not None
    assert (result.error.code, result.error.retryable) == ("connection_failed", True)

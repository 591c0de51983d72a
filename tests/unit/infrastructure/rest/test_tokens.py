"""Credentials: which secret goes where, and tokens that are asked for with them."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infrastructure.tools.rest import calls
from tests.servers.speaker import Heard, Speaker, answer, speaking
from tests.unit.infrastructure.rest.asking import SECRET, Desk, desk_at
from tests.unit.infrastructure.tool_calls import answer as output_of
from tests.unit.infrastructure.tool_calls import refusal

OK = answer(b'{"done": true}', Content_Type="application/json")


@pytest.fixture
async def api() -> AsyncIterator[Speaker]:
    async with speaking() as speaker:
        speaker.said = OK
        yield speaker


@pytest.fixture
async def issuer() -> AsyncIterator[Speaker]:
    async with speaking("127.0.0.2") as speaker:
        speaker.said = token("token-of-the-issuer", expires_in=100)
        yield speaker


def token(value: Any, **more: Any) -> bytes:
    return answer(json.dumps({"access_token": value, "token_type": "Bearer", **more}).encode(), Content_Type="application/json")


def config(api: Speaker, issuer: Speaker, **more: Any) -> dict[str, Any]:
    oauth2 = {"token_url": f"{issuer.url}/token", "client_id": "weft", "client_secret": "${secret.key}", "scope": "read write", **more}
    return {"url": api.url, "auth": [{"oauth2": oauth2}], "retries": {"attempts": 1}}


async def test_secrets_are_asked_for_by_the_place_they_go_to(api: Speaker, issuer: Speaker) -> None:
    desk = desk_at(api, issuer)
    await desk.call(desk.tool({**config(api, issuer), "headers": {"X-Key": "${secret.key}"}}))
    assert desk.secrets.asked == [("key", "default", api.url), ("key", "default", issuer.url)]


async def test_a_secret_that_is_refused_stops_the_call(api: Speaker) -> None:
    desk = Desk([api.place])
    result = await desk.call(desk.tool({"url": api.url, "auth": [{"bearer": "${secret.other}"}]}, effects="once"))
    assert (refusal(result), result.unknown, api.connections) == ("secret_refused", False, 0)


async def test_a_token_is_asked_for_and_sent(api: Speaker, issuer: Speaker) -> None:
    desk = desk_at(api, issuer)
    assert output_of(await desk.call(desk.tool(config(api, issuer)))) == {"done": True}
    (asked,), (heard,) = issuer.heard, api.heard
    assert (asked.method, asked.target, asked.body) == ("POST", "/token", b"grant_type=client_credentials&scope=read+write")
    assert base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")) == b"weft:s3cr3t%2F%2Bwith+signs"
    assert heard.headers["authorization"] == "Bearer token-of-the-issuer"


async def test_its_server_may_want_the_credentials_in_the_body(api: Speaker, issuer: Speaker) -> None:
    desk = desk_at(api, issuer)
    await desk.call(desk.tool(config(api, issuer, credentials="body")))
    assert issuer.heard[0].body.endswith(b"&client_id=weft&client_secret=s3cr3t%2F%2Bwith+signs")
    assert "authorization" not in issuer.heard[0].headers


async def test_a_token_is_kept_until_shortly_before_its_end_and_asked_for_once(api: Speaker, issuer: Speaker) -> None:
    desk = desk_at(api, issuer)
    one, other = desk.tool(config(api, issuer)), desk.tool(config(api, issuer))
    await asyncio.gather(*(desk.call(tool) for tool in (one, other) for _ in range(5)))
    assert (issuer.connections, api.connections) == (1, 10)
    desk.clock.passed += 89.9
    await desk.call(one)
    assert issuer.connections == 1
    desk.clock.passed += 0.2
    await desk.call(one)
    assert issuer.connections == 2


async def test_a_token_that_is_refused_is_not_used_again(api: Speaker, issuer: Speaker) -> None:
    desk = desk_at(api, issuer)
    tool = desk.tool(config(api, issuer))
    api.said = answer(b"token-of-the-issuer is too old", 401)
    result = await desk.call(tool)
    assert result.error is not None
    assert (result.error.code, result.error.retryable, "token-of" in result.error.message) == ("http_401", True, False)
    api.said = OK
    assert (await desk.call(tool)).success
    assert issuer.connections == 2


@pytest.mark.parametrize(
    ("said", "is_retryable"),
    [
        pytest.param(answer(b'{"error": "invalid_client"}', 401), False, id="a refusal"),
        pytest.param(answer(b"busy", 503), True, id="a server that is busy"),
        pytest.param(b"", True, id="no answer"),
        pytest.param(answer(b"<html>"), False, id="no JSON"),
        pytest.param(token(None), False, id="no token"),
        pytest.param(token(""), False, id="an empty token"),
        pytest.param(answer(b"[" * 60_000), False, id="a nest"),
        pytest.param(answer(status=302, Location="/again"), False, id="a redirect"),
        pytest.param(answer(b"x" * 100_000), False, id="a long answer"),
    ],
)
async def test_without_a_token_the_tool_is_not_called(api: Speaker, issuer: Speaker, said: bytes, is_retryable: bool) -> None:
    desk, issuer.said = desk_at(api, issuer), said
    result = await desk.call(desk.tool(config(api, issuer), effects="once"))
    assert result.error is not None
    assert (result.error.code, result.error.retryable, result.unknown) == ("auth_failed", is_retryable, False)
    assert (issuer.connections, api.connections, SECRET in result.error.message) == (1, 0, False)


async def test_a_token_that_is_no_header_goes_nowhere(api: Speaker, issuer: Speaker) -> None:
    desk, issuer.said = desk_at(api, issuer), token("a\r\nX-More: 1")
    result = await desk.call(desk.tool(config(api, issuer)))
    assert (result.success, api.connections) == (False, 0)


async def test_wrong_arguments_are_told_before_anybody_is_asked(api: Speaker, issuer: Speaker) -> None:
    desk = desk_at(api, issuer)
    tool = desk.tool({**config(api, issuer), "headers": {"X": "${arguments.a}"}}, {"type": "object", "properties": {"a": {}}})
    assert refusal(await desk.call(tool, a="\n")) == "invalid_arguments"
    assert (issuer.connections, api.connections) == (0, 0)


async def test_a_token_is_asked_for_within_the_calls_time(api: Speaker, issuer: Speaker) -> None:
    async def hold(heard: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    desk, issuer.said = desk_at(api, issuer), hold
    desk.within(2)
    result = await desk.call(desk.tool(config(api, issuer), effects="once"))
    assert (refusal(result), result.unknown, api.connections) == ("auth_failed", False, 0)


async def test_who_waits_for_the_token_of_another_call_waits_within_its_own_time(
    api: Speaker, issuer: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    came = asyncio.Event()

    async def hold(heard: Heard, writer: asyncio.StreamWriter) -> None:
        came.set()
        await asyncio.Event().wait()

    desk, issuer.said = desk_at(api, issuer), hold
    tool = desk.tool(config(api, issuer), effects="once")
    first = asyncio.create_task(desk.call(tool))
    await came.wait()
    monkeypatch.setattr(calls, "SECONDS", 0.05)
    result = await desk.call(tool)
    first.cancel()
    assert (refusal(result), result.unknown, issuer.connections, api.connections) == ("auth_failed", False, 1, 0)


async def test_a_token_does_not_go_where_its_secret_may_not(api: Speaker, issuer: Speaker) -> None:
    async with speaking("127.0.0.3") as evil:
        desk = desk_at(api, issuer, evil)
        desk.secrets.barred.add(evil.url)
        assert (await desk.call(desk.tool(config(api, issuer)))).success, "the token is there"
        result = await desk.call(desk.tool(config(evil, issuer), effects="once"))
        assert (refusal(result), result.unknown, evil.connections) == ("secret_refused", False, 0)

"""What a server says, good or hostile, becomes an output or a failure with a name."""

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.tool import ToolExecutionResult
from infrastructure.tools.calling import MAX_MESSAGE
from tests.servers.speaker import Heard, Speaker, answer, moved, speaking
from tests.unit.infrastructure.rest.asking import SECRET, desk_at
from tests.unit.infrastructure.tool_calls import answer as output_of
from tests.unit.infrastructure.tool_calls import refusal


@pytest.fixture
async def here() -> AsyncIterator[Speaker]:
    async with speaking() as speaker:
        yield speaker


async def called(*speakers: Speaker, **config: Any) -> ToolExecutionResult:
    desk = desk_at(*speakers)
    return await desk.call(desk.tool({"url": speakers[0].url, "retries": {"attempts": 1}, **config}))


def failed(result: ToolExecutionResult) -> tuple[str, str]:
    assert result.error is not None
    return result.error.code, result.error.message


@pytest.mark.parametrize(
    ("kind", "body", "output"),
    [
        pytest.param("application/json", b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}, id="JSON"),
        pytest.param("Application/JSON; charset=utf-8", b"1", 1, id="however it is written"),
        pytest.param("application/problem+json", b"true", True, id="and whatever it is about"),
        pytest.param("application/json", "\ufeff[1]".encode(), [1], id="with a mark before it"),
        pytest.param("application/json", '["ä"]'.encode("utf-16"), ["ä"], id="in the other encoding there is"),
        pytest.param("application/json", b'["a\xff"]', ["a\ufffd"], id="with letters that are none"),
        pytest.param(
            "application/json",
            rb'["\u001b[31m\u0000\ud800", {"\u009b": "\n"}]',
            ["\ufffd[31m\ufffd\ufffd", {"\ufffd": "\n"}],
            id="with a sting",
        ),
        pytest.param("application/json", '["\u009b\u007fé"]'.encode(), ["\ufffd\ufffdé"], id="with another one"),
        pytest.param("text/plain; charset=latin-1", "schön".encode("latin-1"), "schön", id="text"),
        pytest.param("text/html", b"a\xff\x1b[31m\r\n", "a\ufffd\ufffd[31m\r\n", id="text that would steer a terminal"),
        pytest.param("image/png", b"\x89PNG", base64.b64encode(b"\x89PNG").decode(), id="bytes"),
        pytest.param("", b"hello", "hello", id="text that does not say so"),
        pytest.param("", b"\x00\xff", "AP8=", id="bytes that do not say so"),
        pytest.param("application/json", b"", None, id="nothing"),
    ],
)
async def test_what_comes_back(here: Speaker, kind: str, body: bytes, output: Any) -> None:
    told: dict[str, Any] = {"Content_Type": kind} if kind else {}
    here.said = answer(body, **told)
    assert output_of(await called(here)) == output


async def test_no_content_is_null(here: Speaker) -> None:
    here.said = answer(status=204)
    assert output_of(await called(here)) is None
    assert output_of(await called(here, method="HEAD")) is None


async def test_all_of_an_answer(here: Speaker) -> None:
    here.said = answer(b"[1]", 201, Content_Type="application/json", Location="/x/1", X_Odd="a\x1bb")
    assert output_of(await called(here, result="full")) == {
        "status": 201,
        "headers": {"content-length": "3", "content-type": "application/json", "location": "/x/1", "x-odd": "a\ufffdb"},
        "body": [1],
    }


@pytest.mark.parametrize("body", [b"{", b"<html>", b"[NaN]", b"[-Infinity]", b"[" * 100_000, b'{"a": ' * 20_000, b"9" * 5_000])
async def test_what_is_no_json_is_not_taken_for_it(here: Speaker, body: bytes) -> None:
    here.said = answer(body, Content_Type="application/json")
    assert refusal(await called(here)) == "invalid_answer"


@pytest.mark.parametrize("body", [b"[1e999999]", b"[" * 200 + b"]" * 200, b"18446744073709551616"])
async def test_what_weft_cannot_hold_is_refused(here: Speaker, body: bytes) -> None:
    here.said = answer(body, Content_Type="application/json")
    assert refusal(await called(here)) == "invalid_output"


async def test_a_refusal_is_quoted_with_an_end(here: Speaker) -> None:
    here.said = answer(b"no\x1b[31m " * 1_000_000, 404, Content_Type="text/plain")
    code, said = failed(await called(here))
    assert (code, len(said) <= MAX_MESSAGE, "\x1b" in said) == ("http_404", True, False)


async def test_an_answer_has_a_size(here: Speaker) -> None:
    here.said = answer(b"x" * 1_001, Content_Type="text/plain")
    assert output_of(await called(here, max_bytes=1_001)) == "x" * 1_001
    assert refusal(await called(here, max_bytes=1_000)) == "answer_too_large"


async def test_a_gigabyte_is_not_waited_for(here: Speaker) -> None:
    sent = 0

    async def flood(heard: Heard, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 So\r\nContent-Length: 1073741824\r\n\r\n")
        for _ in range(1024):
            writer.write(bytes(1024 * 1024))
            sent += 1
            await writer.drain()

    here.said = flood
    assert refusal(await called(here)) == "answer_too_large"
    assert sent < 200


async def test_a_bomb_is_not_unpacked(here: Speaker) -> None:
    here.said = answer(gzip.compress(bytes(32 * 1024 * 1024), 1), Content_Encoding="gzip")
    assert refusal(await called(here)) == "answer_too_large"


async def test_a_packed_answer_is_unpacked(here: Speaker) -> None:
    here.said = answer(gzip.compress(b'{"a": 1}'), Content_Type="application/json", Content_Encoding="gzip")
    assert output_of(await called(here)) == {"a": 1}


KEYED = {
    "headers": {"X-Own": "${secret.key}"},
    "cookies": {"sid": "${secret.key}"},
    "auth": [{"bearer": "${secret.key}"}, {"query": {"name": "key", "value": "${secret.key}"}}],
}


class TestRedirects:
    async def test_take_no_credentials_to_another_origin(self, here: Speaker) -> None:
        async with speaking() as further:
            here.said, further.said = moved(f"{further.url}/there"), answer(b"1", Content_Type="application/json")
            assert output_of(await called(here, further, **KEYED)) == 1
            (heard,) = further.heard
        told = f"{heard.target} {heard.headers}"
        assert (here.heard[0].headers["x-own"], here.heard[0].headers["authorization"]) == (SECRET, f"Bearer {SECRET}")
        assert "key=s3cr3t" in here.heard[0].target
        assert ("s3cr3t" in told, "authorization" in told, "cookie" in told) == (False, False, False)

    async def test_keep_them_within_the_origin(self, here: Speaker) -> None:
        async def say(heard: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(moved("/there") if heard.target.startswith("/?") else answer(b"1", Content_Type="application/json"))

        here.said = say
        assert output_of(await called(here, **KEYED)) == 1
        assert here.heard[1].headers["authorization"] == f"Bearer {SECRET}"

    async def test_lead_to_no_forbidden_address(self, here: Speaker) -> None:
        async with speaking() as trap:
            here.said = moved(trap.url)
            assert refusal(await called(here)) == "address_refused"
            assert trap.connections == 0


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("form", [SECRET, "s3cr3t%2F%2Bwith%20signs"])
async def test_a_secret_that_is_repeated_does_not_come_back(here: Speaker, status: int, form: str) -> None:
    here.said = answer(f"you sent {form}".encode(), status, Content_Type="text/plain", X_Echo=form)
    result = await called(here, result="full", **KEYED)
    assert "s3cr3t" not in str(result)
    assert "[secret]" in str(result)

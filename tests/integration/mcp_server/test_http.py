"""/mcp is guarded as every other route, remembers nothing between two requests, and gives back what it took."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from application.access import digest_of
from interface.mcp.http import MOST_OF_ONE
from interface.rest.app import RestSettings
from tests.architecture.places import SRC
from tests.integration.mcp_server.host import WAITING, Host, open_host
from tests.integration.rest.service import CONFIGURED, Service, open_service

ACCEPT = {"Accept": "application/json, text/event-stream"}
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


def called(name: str, number: int = 7, **arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


@pytest.fixture
async def service() -> Any:
    async with open_service() as opened:
        yield opened


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer weft_wrong"}, {"X-API-Key": "weft_wrong"}], ids=["none", "bearer", "header"]
)
async def test_without_a_known_key_nothing_is_told(service: Service, headers: dict[str, str]) -> None:
    answer = await service.call("POST", "/mcp", key=None, json=HELLO, headers=ACCEPT | headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_either_header_carries_the_key(service: Service) -> None:
    for headers in ({"Authorization": f"Bearer {CONFIGURED}"}, {"X-API-Key": CONFIGURED}):
        answer = await service.call("POST", "/mcp", key=None, json=HELLO, headers=ACCEPT | headers)
        assert (answer.status_code, bool(answer.headers["mcp-session-id"])) == (200, True)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": "weft.example"}, id="a name that somebody pointed here"),
        pytest.param({"Origin": "http://evil.example"}, id="a page of another site"),
    ],
)
async def test_without_keys_only_this_machine_is_answered(headers: dict[str, str]) -> None:
    async with open_service(keyless=True) as service:
        here = await service.call("POST", "/mcp", key=None, json=HELLO, headers=ACCEPT)
        stranger = await service.call("POST", "/mcp", key=None, json=HELLO, headers=ACCEPT | headers)

    assert (here.status_code, stranger.status_code, stranger.json()["code"]) == (200, 403, "not_local")


async def test_there_is_nothing_but_post(service: Service) -> None:
    for method in ("GET", "DELETE", "PUT"):
        answer = await service.call(method, "/mcp", headers=ACCEPT)
        assert (answer.status_code, answer.headers["allow"], answer.json()["code"]) == (405, "POST", "method_not_allowed")


async def test_a_body_may_not_be_larger_than_elsewhere() -> None:
    async with open_service(settings=RestSettings(max_body_bytes=1000)) as service:
        fits = await service.call("POST", "/mcp", json=HELLO, headers=ACCEPT)
        answer = await service.call("POST", "/mcp", json=HELLO | {"pad": "x" * 1000}, headers=ACCEPT)

    assert (fits.status_code, answer.status_code, answer.json()["code"]) == (200, 413, "too_large")


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"[]", b'"text"', b'{"jsonrpc": "2.0", "method": 1}'])
async def test_what_is_no_message_is_refused(service: Service, body: bytes) -> None:
    answer = await service.call("POST", "/mcp", content=body, headers=ACCEPT | {"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert "error" in answer.json()


async def test_callers_keep_the_pace_that_is_set(tmp_path: Path) -> None:
    async with open_host(tmp_path, has_worker=False, requests_per_minute=1) as host:
        answers = [await post(host, HELLO) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]


async def test_one_key_cannot_take_all_the_room(service: Service) -> None:
    door = next(route for route in service.app.router.routes if getattr(route, "path", "") == "/mcp").app  # type: ignore[attr-defined]
    theirs = await service.key_of("theirs")
    door._open[digest_of(CONFIGURED)] = MOST_OF_ONE
    full = await service.call("POST", "/mcp", json=HELLO, headers=ACCEPT)
    free = await service.call("POST", "/mcp", theirs, json=HELLO, headers=ACCEPT)

    assert (full.status_code, full.json()["code"], full.headers["retry-after"]) == (503, "too_many_calls", "1")
    assert free.status_code == 200
    assert door._open == {digest_of(CONFIGURED): MOST_OF_ONE}


async def post(host: Host, body: dict[str, Any], **headers: str) -> httpx.Response:
    sent = {"Authorization": f"Bearer {CONFIGURED}", **ACCEPT, **headers}
    async with httpx.AsyncClient(timeout=20) as client:
        return await client.post(f"{host.url}/mcp", json=body, headers=sent)


async def test_a_call_is_cancelled_through_any_process(tmp_path: Path) -> None:
    async with open_host(tmp_path) as one, open_host(tmp_path, has_worker=False) as other:
        await one.publish(WAITING)
        session = (await post(one, HELLO)).headers["mcp-session-id"]
        calling = asyncio.create_task(post(one, called("run_waiting"), **{"mcp-session-id": session}))
        run = await one.the_run()
        goodbye = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}

        for strange in ({**goodbye, "params": {"requestId": "7"}}, {**goodbye, "params": None}):
            assert (await post(other, strange, **{"mcp-session-id": session})).status_code == 202
        assert (await post(other, goodbye, **{"mcp-session-id": "another"})).status_code == 202
        assert (await one.run(run)).ended_at is None

        assert (await post(other, goodbye, **{"mcp-session-id": session})).status_code == 202
        assert (await one.ended(run)).status == "cancelled"
        assert '"status":"cancelled"' in (await calling).text.replace(" ", "")


async def test_a_call_sent_again_joins_its_run_which_a_lost_connection_did_not_end(tmp_path: Path) -> None:
    async with open_host(tmp_path, mcp_seconds=0.3) as host:
        await host.publish(WAITING)
        session = (await post(host, HELLO)).headers["mcp-session-id"]
        calling = asyncio.create_task(post(host, called("run_waiting"), **{"mcp-session-id": session}))
        run = await host.the_run()
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)

        again = await post(host, called("run_waiting"), **{"mcp-session-id": session})
        other = await post(host, called("run_waiting", 8), **{"mcp-session-id": session})

        assert (run in again.text, run in other.text) == (True, False)
        assert (await host.run(run)).ended_at is None


async def test_a_service_that_stops_answers_the_calls_it_holds(tmp_path: Path) -> None:
    async with open_host(tmp_path) as host:
        await host.publish(WAITING)
        calling = asyncio.create_task(post(host, called("run_waiting")))
        run = await host.the_run()
    answer = await calling

    assert answer.status_code == 200
    assert run in answer.text
    assert "get_run" in answer.text


def test_a_service_starts_without_the_protocols_libraries() -> None:
    code = "import sys, bootstrap, interface.rest.app, interface.cli.serving; print({'mcp', 'mcp_types', 'httpx2'} & set(sys.modules))"
    environment = {"PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"

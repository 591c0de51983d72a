"""Trying again: when, how often, how long after, and when not. The server is real, the clock is moved by hand."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from domain.tool import ToolExecutionResult
from infrastructure.outgoing.messages import Answer, Ask
from tests.servers.speaker import Heard, Speaker, answer, moved, speaking
from tests.unit.infrastructure.rest.asking import Desk, desk_at
from tests.unit.infrastructure.tool_calls import NOON, refusal
from tests.unit.infrastructure.tool_calls import answer as output_of

OK = answer(b'{"done": true}', Content_Type="application/json")
BUSY = answer(b"busy", 503)
GONE = b""
"""Breaks off without a word."""


@pytest.fixture
async def here() -> AsyncIterator[Speaker]:
    async with speaking() as speaker:
        yield speaker


def says(*answers: bytes) -> Any:
    """One after the other, the last one for ever."""
    left = list(answers)

    async def say(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return say


@dataclass
class Listening:
    """A door that leads nowhere."""

    asked: list[Ask] = field(default_factory=list)

    async def ask(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        return Answer(204, {}, b"", ask.url)


async def called(here: Speaker, desk: Desk | None = None, effects: str = "none", **config: Any) -> ToolExecutionResult:
    desk = desk or desk_at(here)
    return await desk.call(desk.tool({"url": here.url, **config}, effects=effects))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_passes_is_waited_out(here: Speaker, status: int) -> None:
    desk, here.said = desk_at(here), says(answer(status=status), answer(status=status), OK)
    assert output_of(await called(here, desk)) == {"done": True}
    assert desk.clock.slept == [0.5, 1.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 501, 505])
async def test_what_does_not_pass_is_told_at_once(here: Speaker, status: int) -> None:
    here.said = answer(b"no such thing", status)
    result = await called(here)
    assert result.error is not None
    assert (result.error.code, result.error.retryable, here.connections) == (f"http_{status}", False, 1)
    assert result.error.message == f"GET {here.url} answered {status}: no such thing"


async def test_a_connection_that_breaks_is_made_again(here: Speaker) -> None:
    here.said = says(GONE, OK)
    assert output_of(await called(here)) == {"done": True}


async def test_the_last_failure_is_what_is_told(here: Speaker) -> None:
    here.said = says(GONE, BUSY, answer(b"later", 429, Retry_After="9"))
    result = await called(here)
    assert result.error is not None
    assert (result.error.code, result.error.retry_after, here.connections) == ("http_429", 9.0, 3)


EVERY_WAY = [
    pytest.param("none", "POST", None, True, id="what only reads may be asked again, by any method"),
    pytest.param("idempotent", "PUT", None, True, id="a method that may be repeated"),
    pytest.param("idempotent", "DELETE", None, True, id="another one"),
    pytest.param("idempotent", "POST", None, False, id="a POST without a key is not sent twice"),
    pytest.param("idempotent", "PATCH", None, False, id="nor a PATCH"),
    pytest.param("idempotent", "POST", "Idempotency-Key", True, id="with a key it is"),
    pytest.param("once", "PUT", "Idempotency-Key", False, id="what happens once is never sent twice"),
    pytest.param("once", "GET", None, False, id="whatever its method"),
]


@pytest.mark.parametrize(("effects", "method", "key", "is_repeated"), EVERY_WAY)
@pytest.mark.parametrize("first", [BUSY, GONE], ids=["busy", "gone"])
async def test_only_what_may_be_repeated_is(
    here: Speaker, effects: str, method: str, key: str | None, is_repeated: bool, first: bytes
) -> None:
    here.said = says(first, OK)
    result = await called(here, effects=effects, method=method, idempotency_header=key)
    assert (result.success, here.connections) == (is_repeated, 2 if is_repeated else 1)
    if key is not None:
        assert {heard.headers["idempotency-key"] for heard in here.heard} == {"run/ask#1/0"}


async def test_every_attempt_sends_the_same(here: Speaker) -> None:
    here.said = says(BUSY, OK)
    await called(here, method="POST", body={"multipart": {"a": "1"}})
    assert here.heard[0] == here.heard[1]


class TestRetryAfter:
    @pytest.mark.parametrize("said", ["7", format_datetime(NOON + timedelta(seconds=7), usegmt=True)])
    async def test_is_obeyed_in_both_forms(self, here: Speaker, said: str) -> None:
        desk, here.said = desk_at(here), says(answer(status=429, Retry_After=said), OK)
        assert (await called(here, desk)).success
        (slept,) = desk.clock.slept
        assert 7.0 <= slept < 7.1

    async def test_longer_than_there_is_patience_is_handed_on(self, here: Speaker) -> None:
        desk, here.said = desk_at(here), says(answer(status=429, Retry_After="31"), OK)
        result = await called(here, desk)
        assert result.error is not None
        assert (result.error.code, result.error.retryable, result.error.retry_after) == ("http_429", True, 31.0)
        assert (desk.clock.slept, here.connections) == ([], 1)

    async def test_counts_all_waiting_together(self, here: Speaker) -> None:
        desk, here.said = desk_at(here), says(answer(status=429, Retry_After="6"))
        assert refusal(await called(here, desk, retries={"attempts": 9, "max_seconds": 20})) == "http_429"
        assert (len(desk.clock.slept), here.connections) == (3, 4)

    async def test_beyond_the_calls_deadline_is_not_waited_for(self, here: Speaker) -> None:
        desk, here.said = desk_at(here), says(answer(status=429, Retry_After="6"), OK)
        desk.within(5.0)
        assert refusal(await called(here, desk)) == "http_429"
        assert desk.clock.slept == []


class TestWhatIsNotKnown:
    @pytest.mark.parametrize(
        ("said", "code", "is_unknown"),
        [
            pytest.param(GONE, "connection_lost", True, id="no answer"),
            pytest.param(answer(status=500), "http_500", True, id="it broke on it"),
            pytest.param(answer(status=504), "http_504", True, id="somebody before it lost patience"),
            pytest.param(BUSY, "http_503", False, id="too busy to begin"),
            pytest.param(answer(status=429), "http_429", False, id="too early"),
            pytest.param(answer(status=404), "http_404", False, id="no such thing"),
            pytest.param(answer(b"x" * 2_000_000), "answer_too_large", True, id="too long an answer"),
            pytest.param(answer(b"{", Content_Type="application/json"), "invalid_answer", True, id="half an answer"),
            pytest.param(answer(b"x", Content_Encoding="br"), "unknown_encoding", True, id="an answer nobody can unpack"),
            pytest.param(moved("http://127.0.0.9/", 303), "address_refused", True, id="done, and then sent elsewhere"),
        ],
    )
    async def test_is_said_of_what_happens_once_and_never_of_what_only_reads(
        self, here: Speaker, said: bytes, code: str, is_unknown: bool
    ) -> None:
        here.said = said
        result = await called(here, effects="once", method="POST")
        assert (refusal(result), result.unknown, here.connections) == (code, is_unknown, 1)
        reading = await called(here, method="POST", retries={"attempts": 1})
        assert (refusal(reading), reading.unknown) == (code, False)

    async def test_is_known_of_a_server_that_is_not_there(self) -> None:
        async with speaking() as gone:
            pass
        result = await called(gone, effects="once", method="POST")
        assert (refusal(result), result.unknown) == ("connection_failed", False)

    async def test_is_known_of_a_server_that_is_not_reached_in_time(self) -> None:
        async def resolve(host: str, port: int) -> list[str]:
            await asyncio.sleep(30)
            return []

        desk = Desk(resolve=resolve)
        result = await desk.call(desk.tool({"url": "http://slow.test/", "timeout_seconds": 0.05}, effects="once"))
        assert (refusal(result), result.unknown) == ("connection_failed", False)

    async def test_stays_so_when_the_next_attempt_was_refused(self, here: Speaker) -> None:
        here.said = says(GONE, answer(status=404))
        result = await called(here, effects="idempotent", method="PUT")
        assert (refusal(result), result.unknown) == ("http_404", True)

    async def test_who_never_answers_is_given_up_in_time(self, here: Speaker) -> None:
        async def hold(heard: Heard, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(30)

        here.said = hold
        result = await called(here, effects="once", method="POST", timeout_seconds=0.5)
        assert (refusal(result), result.unknown) == ("timeout", True)

    @pytest.mark.parametrize(("deadline", "seconds"), [(None, 30.0), (100.0, 30.0), (30.0, 29.0), (10.0, 9.5)])
    async def test_a_request_ends_before_its_call_and_says_whether_it_was_sent(self, deadline: float | None, seconds: float) -> None:
        listening = Listening()
        desk = Desk(door=listening)
        desk.context = replace(desk.context, deadline_seconds=deadline)
        await desk.call(desk.tool({"url": "https://api.example.com"}))
        assert [ask.seconds for ask in listening.asked] == [seconds]

    async def test_the_calls_deadline_bounds_everything(self, here: Speaker) -> None:
        async def hold(heard: Heard, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(30)

        desk, here.said = desk_at(here), hold
        desk.within(0.5)
        assert refusal(await called(here, desk)) == "timeout"


async def test_progress_is_told(here: Speaker) -> None:
    told: list[str] = []
    desk, here.said = desk_at(here), says(BUSY, OK)
    desk.context = replace(desk.context, tell=told.append)
    await called(here, desk)
    assert told == [f"trying again in 0.5 s: GET {here.url} answered 503: busy"]

"""What holds for every tool, whatever its type: one suite, through the one door."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from domain.audit import Deed
from domain.errors import DatabaseError, ToolNotFound
from domain.tool import Effects
from tests.integration.tools.subject import BEHAVIOURS, CONTEXT, DENIED, RUN, Subject
from tests.servers.until import until


async def began(subject: Subject) -> None:
    await asyncio.to_thread(until, lambda: "began" in subject.seen(), "the tool at work")


async def test_it_is_listed_with_its_type_and_what_it_takes(subject: Subject) -> None:
    listed = {tool.name: tool for tool in subject.tools.list()}

    for behaviour in BEHAVIOURS:
        tool = listed[subject.named(behaviour)]
        assert tool.tool_type is subject.tool_type
        assert tool.metadata.description
        assert tool.parameters["type"] == "object"
    assert listed[subject.named("echo")].parameters["properties"]["text"]["type"] == "string"  # type: ignore[index,call-overload]
    assert listed[subject.named("echo")].effects is not Effects.ONCE
    assert listed[subject.named("act")].effects is Effects.ONCE


async def test_it_answers(subject: Subject) -> None:
    result = await subject.call("echo", text="grüße \N{PARTY POPPER}")

    assert (result.success, result.error, result.unknown) == (True, None, False)
    assert subject.told(result.output) == "grüße \N{PARTY POPPER}"
    assert 0 < result.execution_time < 30


async def test_many_calls_at_once_answer_each_to_its_own(subject: Subject) -> None:
    said = await asyncio.gather(*(subject.said("echo", text=f"{number}") for number in range(20)))

    assert said == [f"{number}" for number in range(20)]


async def test_arguments_that_do_not_fit_are_refused_before_anything_is_done(subject: Subject) -> None:
    for wrong in ({}, {"text": 7}):
        result = await subject.call("echo", **wrong)  # type: ignore[arg-type]
        assert result.error is not None
        assert (result.error.code, result.unknown) == ("invalid_arguments", False)
    assert list(subject.seen()) == []


async def test_an_unknown_name_is_not_found(subject: Subject) -> None:
    with pytest.raises(ToolNotFound, match="there is no tool nobody"):
        await subject.tools.call("nobody", {}, CONTEXT)


async def test_a_refusal_is_an_answer_that_steers_no_terminal(subject: Subject) -> None:
    result = await subject.call("fail")

    assert result.error is not None
    assert (result.error.code, result.unknown, result.output) == (subject.code, False, None)
    assert "luck" in result.error.message
    assert "\x1b" not in result.error.message


async def test_a_call_that_takes_too_long_ends_in_its_time_and_nobody_knows_what_it_did(subject: Subject) -> None:
    result = await subject.call("wait", replace(CONTEXT, deadline_seconds=0.3))

    assert result.error is not None
    assert (result.error.code, result.error.retryable, result.unknown) == ("timeout", True, True)
    assert result.execution_time < 5


async def test_a_call_that_is_cancelled_ends_at_once_and_is_stopped_where_that_can_be(subject: Subject) -> None:
    calling = asyncio.create_task(subject.call("wait"))
    await began(subject)
    calling.cancel()

    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await calling
    if subject.is_stopped is not None:
        await asyncio.to_thread(until, subject.is_stopped, "the tool stopped")


async def test_how_far_it_is_is_heard_while_it_works(subject: Subject, tmp_path: Path) -> None:
    heard: list[str] = []

    def hear(text: str) -> None:
        heard.append(text)
        (tmp_path / "heard").touch()

    assert await subject.said("steps", replace(CONTEXT, tell=hear))
    assert heard
    assert all(isinstance(text, str) and text for text in heard)


async def test_an_output_up_to_its_bound_is_let_in_and_one_beyond_is_not(subject: Subject) -> None:
    assert await subject.said("long", size=subject.most - 200) == "x" * (subject.most - 200)

    result = await subject.call("long", size=subject.most + 100_000)

    assert result.error is not None
    assert (result.error.code, result.output) == ("output_too_large", None)


async def test_what_is_denied_is_not_done_and_stands_on_record(subject: Subject) -> None:
    result = await subject.call("act", DENIED)

    assert result.error is not None
    assert (result.error.code, result.unknown) == ("forbidden", False)
    assert list(subject.seen()) == []
    (deed,) = subject.trail.recorded
    assert (deed.effect, deed.resource, deed.action) == ("deny", subject.named("act"), "tool.call")


async def test_what_is_done_stands_on_record_before_it_is(subject: Subject) -> None:
    on_record: list[int] = []
    really = subject.trail.record

    async def record(deed: object) -> None:
        on_record.append(len(subject.seen()))
        await really(deed)  # type: ignore[arg-type]

    subject.trail.record = record  # type: ignore[method-assign]
    await subject.said("act")

    assert (on_record, list(subject.seen())) == ([0], ["acted"])
    (deed,) = subject.trail.recorded
    assert (deed.effect, deed.who, deed.tenant) == ("allow", f"run {RUN}", "acme")
    assert deed.about["run"] == RUN


async def test_what_only_reads_does_not_wait_for_the_record(subject: Subject) -> None:
    if subject.tools.get(subject.named("echo")).effects is not Effects.NONE:
        pytest.fail("`echo` only reads")
    await subject.said("echo", text="hi")

    assert [deed.resource for deed in subject.trail.noted] == [subject.named("echo")]


async def test_what_only_reads_waits_for_the_record_when_many_do(subject: Subject) -> None:
    subject.trail.has_room = False
    assert (await subject.call("echo", text="hi")).success

    assert (len(subject.trail.noted), len(subject.trail.recorded)) == (0, 1)


async def test_what_cannot_be_put_on_record_is_not_done(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(deed: Deed) -> None:
        raise DatabaseError("nobody answers")

    monkeypatch.setattr(subject.trail, "record", away)
    result = await subject.call("act", replace(CONTEXT, run=None, caller="ann"))

    assert result.error is not None
    assert (result.error.code, result.error.retryable, result.unknown) == ("not_recorded", True, False)
    assert "acted" not in subject.seen()


async def test_it_is_told_the_key_of_the_call_and_the_trace_of_the_run(subject: Subject) -> None:
    about = json.loads(await subject.said("about"))
    again = json.loads(await subject.said("about"))
    other = json.loads(await subject.said("about", replace(CONTEXT, idempotency_key="another")))

    assert about == again == {"key": CONTEXT.idempotency_key, "trace": CONTEXT.traceparent}
    assert re.fullmatch(rf"00-{RUN.replace('-', '')}-[0-9a-f]{{16}}-01", about["trace"])
    assert other["key"] == "another"
    assert other["trace"] != about["trace"]

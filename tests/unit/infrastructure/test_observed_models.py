"""What a meter and traces are told of calls to models, and that the models notice nothing of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from domain.errors import ModelError, ModelNotFound
from domain.json import Json
from domain.model import ModelRequest
from domain.ports.meter import ModelCall
from domain.ports.traces import HERE, Span
from domain.tracing import TraceContext
from infrastructure.clock import SystemClock
from infrastructure.models.registry import ConfiguredModels
from infrastructure.models.settings import Alias, ModelSettings
from infrastructure.telemetry.observed_models import Observer

NODE = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
FAILS: dict[str, Json] = {"rules": [{"fail": {"code": "model_unavailable", "after_chunks": 2}, "answer": "one two three"}]}


@dataclass
class Seen:
    calls: list[ModelCall] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    is_on: bool = True

    def model_called(self, call: ModelCall) -> None:
        self.calls.append(call)

    def add(self, span: Span) -> None:
        self.spans.append(span)


@pytest.fixture
def seen() -> Iterator[Seen]:
    before = HERE.set(NODE)
    yield Seen()
    HERE.reset(before)


def models(seen: Seen, clock: SystemClock | None = None) -> ConfiguredModels:
    chosen = ModelSettings(
        {
            "fast": Alias(("scripted/assistant",)),
            "script": Alias(("scripted/rules",)),
        }
    )
    return ConfiguredModels(chosen, observe=Observer(seen, seen, clock or SystemClock()))


def asked(model: str = "fast", **options: Json) -> ModelRequest:
    return ModelRequest(model, ({"role": "user", "content": "the-words-of-a-customer"},), options=options)


async def test_an_answer_is_told_with_what_it_used_and_by_what_its_alias_stands_for(seen: Seen) -> None:
    answer = await models(seen).complete(asked())

    (call,) = seen.calls
    assert (call.provider, call.model, call.usage, call.error) == ("scripted", "assistant", answer.usage, "")
    assert call.seconds >= 0
    assert call.first_seconds is None, "nobody listened for the first piece"


class Ticking(SystemClock):
    """A second passes between any two looks."""

    ticks = 0.0

    def monotonic(self) -> float:
        self.ticks += 1
        return self.ticks


async def test_of_a_stream_the_first_piece_is_timed_and_every_piece_passes(seen: Seen) -> None:
    pieces: list[str] = []
    answer = await models(seen, Ticking()).complete(asked(), pieces.append)

    (call,) = seen.calls
    assert len(pieces) > 1
    assert "".join(pieces) == answer.text
    assert (call.first_seconds, call.seconds) == (1, 2)


async def test_a_failure_is_told_by_its_code_with_what_it_used_and_passes_on(seen: Seen) -> None:
    with pytest.raises(ModelError) as caught:
        await models(seen).complete(asked("script", **FAILS), lambda text: None)

    (call,) = seen.calls
    assert (call.provider, call.model, call.error) == ("scripted", "rules", "model_unavailable")
    assert call.usage is not None
    assert call.usage == getattr(caught.value, "usage", None)


async def test_of_a_chain_each_model_that_was_asked_is_told(seen: Seen, tmp_path: Path) -> None:
    (tmp_path / "scripts.yaml").write_text("down: {rules: [{fail: {code: model_unavailable}}]}")
    chosen = ModelSettings({"chain": Alias(("scripted/down", "scripted/assistant"))}, scripts=tmp_path / "scripts.yaml")
    answer = await ConfiguredModels(chosen, observe=Observer(seen, seen, SystemClock())).complete(asked("chain"))

    assert [(call.model, call.error) for call in seen.calls] == [("down", "model_unavailable"), ("assistant", "")]
    assert [span.error for span in seen.spans] == ["model_unavailable", ""]
    assert answer.model == "scripted/assistant"


async def test_a_call_that_is_cancelled_is_told_too(seen: Seen) -> None:
    rule: dict[str, Json] = {"rules": [{"answer": "a b c", "delay_seconds": 60}]}
    task = asyncio.create_task(models(seen).complete(asked("script", **rule), lambda text: None))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert [call.error for call in seen.calls] == ["cancelled"]


async def test_a_model_that_there_is_not_was_never_called(seen: Seen) -> None:
    with pytest.raises(ModelNotFound):
        await models(seen).complete(asked("nowhere/model"))

    assert (seen.calls, seen.spans) == ([], [])


async def test_the_span_of_a_call_hangs_from_its_node_and_holds_nothing_that_was_said(seen: Seen) -> None:
    answer = await models(seen).complete(asked())

    (span,) = seen.spans
    assert (span.name, span.parent, span.at.trace) == ("chat assistant", NODE.span, NODE.trace)
    assert span.attributes["gen_ai.usage.output_tokens"] == answer.usage.completion_tokens
    assert "customer" not in repr(span)
    assert answer.text not in repr(span)


async def test_without_anybody_who_wants_spans_none_is_made(seen: Seen) -> None:
    seen.is_on = False
    await models(seen).complete(asked())

    assert (len(seen.calls), seen.spans) == (1, [])

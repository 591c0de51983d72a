"""What the store writes, it reads back: every event, every row."""

import timeit
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.change import Change, Operation
from domain.errors import Failure, SerializationError
from domain.graph.definition import Graph, Limits
from domain.graph.flow import Priority
from domain.ids import ActivationPath, ContentHash, Epoch, NodeId, Position, RunId, TenantId, ThreadId
from domain.json import JsonObject
from domain.run.events import EVENT_TYPES, CancelRequested, Event, NodeFinished, RunEnded, RunStarted
from domain.run.run import Durability, Mode, Run, RunStatus, Waiting
from domain.usage import Money, Usage, UsageRow, UsageTotal
from domain.workflow import WorkflowMetadata, WorkflowVersion
from infrastructure.store.codec import decode, encode
from infrastructure.store.rows import run_of, run_row, workflow_of, workflow_row
from infrastructure.store.usage_rows import usage_of, usage_row

text = st.text(max_size=8)
counts = st.integers(0, 2**53)
amounts = st.decimals(0, 10**6, places=6, allow_nan=False)
reals = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive, what is drawn is not
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | reals | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(text, json, max_size=3)
money = st.builds(Money, amounts, st.sampled_from(["USD", "EUR"]))
usages = st.builds(Usage, text, counts, counts, st.none() | money, st.booleans())
failures = st.builds(Failure, text, text, text, counts, st.booleans(), st.none() | reals)
limits = st.builds(Limits, counts, counts, reals, counts, counts, counts, st.none() | amounts, st.none() | counts)
changes = st.builds(Change, st.sampled_from(Operation), text, json, json)
names = st.lists(text, max_size=3).map(tuple)
numbers = st.lists(counts, max_size=3).map(tuple)
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        [
            "activation",
            "frame",
            "waiting_for",
            "name",
            "by",
            "reason",
            "from_run",
            "status",
            "mode",
            "run",
            "workflow",
            "key",
            "tool",
            "decision",
            "reference",
            "of",
            "digest",
        ],
        text,
    ),
    **dict.fromkeys(["read_at", "to", "rules", "concurrency", "enough", "effect"], counts),
    **dict.fromkeys(["at", "seconds", "retry_at", "since"], reals),
    **dict.fromkeys(["collect_errors", "is_map", "completed", "transient", "anew", "as_made"], st.booleans()),
    **dict.fromkeys(["taken", "cancelled", "signals"], names),
    **dict.fromkeys(["input", "updates", "arguments"], objects),
    **dict.fromkeys(["code", "snapshot", "budget", "subject", "period", "spent", "limit", "unit"], text),
    "percent": counts,
    "changes": st.lists(changes, max_size=3).map(tuple),
    "consumed": numbers,
    "inputs": st.lists(objects, max_size=3).map(tuple),
    "items": st.lists(json, max_size=3).map(tuple),
    **dict.fromkeys(["versions", "nodes", "paths"], st.dictionaries(text, text, max_size=3)),
    "channels": objects,
    **dict.fromkeys(["output", "payload"], json),
    "limits": limits,
    "usage": st.none() | usages,
    "failure": st.none() | failures,
    "until": st.none() | reals,
    "answer": json,
    "about": st.none() | objects,
    **dict.fromkeys(["pause_before", "pause_after"], names),
    "graph": st.none() | text,
}
ALWAYS = {("AttemptFailed", "failure"): failures, ("NodeFailed", "failure"): failures, ("UsageCounted", "usage"): usages}
RUN = Run(RunId("r"), TenantId("t"), ThreadId("h"), "w@1.0.0", ContentHash("c"), {}, datetime(2026, 1, 1, tzinfo=UTC))


def events_of(event_type: type[Event]) -> st.SearchStrategy[Event]:
    members = {field.name: ALWAYS.get((event_type.__name__, field.name), MEMBERS[field.name]) for field in fields(event_type)}
    return st.builds(event_type, **members)


@given(event=st.one_of([events_of(event_type) for event_type in EVENT_TYPES]))
def test_every_event_comes_back_as_it_was_written(event: Event) -> None:
    assert decode(event.kind, encode(event)) == event


@pytest.mark.parametrize("event_type", EVENT_TYPES, ids=lambda event_type: event_type.kind)
@given(data=st.data())
def test_each_kind_comes_back(event_type: type[Event], data: st.DataObject) -> None:
    event = data.draw(events_of(event_type))

    assert decode(event.kind, encode(event)) == event


@given(
    run=st.builds(
        Run,
        text.map(RunId),
        text.map(TenantId),
        text.map(ThreadId),
        text,
        text.map(ContentHash),
        objects,
        moments,
        st.sampled_from(RunStatus),
        st.sampled_from(Mode),
        st.sampled_from(Durability),
        limits,
        objects,
        json,
        st.none() | failures,
        st.lists(st.builds(Waiting, text, text, st.none() | reals, names), max_size=2).map(tuple),
        st.builds(UsageTotal, counts, counts, counts, money, counts),
        counts,
        counts.map(Position),
        counts.map(Position),
        st.none() | moments,
        st.none() | moments,
        st.none() | st.sampled_from(RunStatus),
        parked_at=st.none() | moments,
        paused=st.booleans(),
        priority=st.sampled_from(Priority),
        concurrency_key=st.none() | text,
        due_at=st.none() | moments,
    )
)
def test_a_run_comes_back_from_its_row(run: Run) -> None:
    assert run_of(run_row(run)) == run


@given(
    row=st.builds(
        UsageRow,
        text.map(TenantId),
        text.map(ThreadId),
        text.map(RunId),
        text,
        text.map(ActivationPath),
        counts,
        counts,
        counts.map(Epoch),
        usages,
    )
)
def test_a_ledger_line_comes_back_from_its_row(row: UsageRow) -> None:
    assert usage_of(usage_row(row)) == row


@given(document=objects, created_at=moments, updated_at=moments, tags=names)
def test_a_workflow_comes_back_from_its_row(
    document: JsonObject, created_at: datetime, updated_at: datetime, tags: tuple[str, ...]
) -> None:
    def parse(written: JsonObject) -> Graph:
        return Graph("w", "1.0.0", {}, (), metadata=written)

    about = WorkflowMetadata(ContentHash("c"), "w", "1.0.0", "says", created_at, updated_at, tags)
    version = WorkflowVersion(TenantId("t"), about, document, parse(document))

    assert workflow_of(workflow_row(version), parse) == version


def test_money_is_never_a_float() -> None:
    run = replace(RUN, limits=Limits(cost_usd=Decimal("0.10")))

    assert b'"cost_usd":"0.10"' in run_row(run)[9]
    assert run_of(run_row(run)).limits.cost_usd == Decimal("0.10")


def test_a_mapping_of_any_kind_is_an_object() -> None:
    event = RunEnded("completed", MappingProxyType({"x": MappingProxyType({"y": 1})}))

    assert encode(event) == b'{"status":"completed","output":{"x":{"y":1}},"failure":null}'


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(2**70, id="an integer over 64 bits"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param(object(), id="what is not data"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_name(value: Any) -> None:
    with pytest.raises(SerializationError, match="RunEnded cannot be stored as JSON"):
        encode(RunEnded("completed", value))


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        pytest.param("woven", b"{}", "kind 'woven'", id="a kind of a newer version"),
        pytest.param("cancel_requested", b'{"by":"ann","colour":"red"}', "cancel_requested row", id="a field of a newer version"),
        pytest.param("cancel_requested", b"{}", "cancel_requested row", id="a field that is missing"),
        pytest.param("cancel_requested", b"{", "not JSON", id="bytes that are cut"),
    ],
)
def test_a_row_this_version_does_not_know_says_so(kind: str, body: bytes, said: str) -> None:
    with pytest.raises(SerializationError, match=said):
        decode(kind, body)


def test_a_row_without_a_later_default_is_read() -> None:
    assert decode("cancel_requested", b'{"by":"ann"}') == CancelRequested("ann")
    assert decode("run_started", b'{"run":"r","workflow":"c","input":{},"at":1.5}') == RunStarted(RunId("r"), ContentHash("c"), {}, 1.5)


def test_an_event_is_encoded_in_under_three_microseconds() -> None:
    event = NodeFinished(ActivationPath("/a#1"), {"x": 1}, (NodeId("b"),), Position(3), (Position(2),), None, 0.001)

    assert min(timeit.repeat(lambda: encode(event), number=1000, repeat=20)) / 1000 < 3e-6


def test_rows_from_before_people_were_asked_are_still_read() -> None:
    parked = decode("node_parked", b'{"activation":"/a#1","waiting_for":"signal","until":null,"output":null,"signals":["go"]}')
    paused = decode("pause_requested", b'{"by":"Ada","reason":""}')
    started = decode("run_started", b'{"run":"r","workflow":"c","input":{},"at":1.0}')

    assert (getattr(parked, "about", 0), getattr(paused, "activation", 0), getattr(started, "pause_before", 0)) == (None, None, ())

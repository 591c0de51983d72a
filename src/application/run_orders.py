"""What is asked for when a run is started, and what of it can be checked before anything is stored."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict

from application.documents.flow import LONGEST_KEY, LONGEST_SECONDS
from application.documents.reading import pointer_to
from application.errors import below
from application.once import digest_of
from application.snapshot_orders import SnapshotsOrder
from domain.errors import Problem
from domain.graph.definition import Graph, Limits
from domain.graph.flow import Priority
from domain.json import Json
from domain.ports.schemas import Schemas
from domain.run.run import Durability, Mode
from domain.run.terms import OnBusy
from domain.sizes import input_too_large

Count = Annotated[int, Field(strict=True, ge=1, le=2**53)]
MOST_STOPS = 1_000
NodeName = Annotated[str, Field(strict=True, min_length=1, max_length=128)]
REFERENCE = r"^[^@\x00-\x20]{1,200}(@[^@\x00-\x20]{1,100})?$"
Workflow = Annotated[str, Field(strict=True, pattern=REFERENCE)] | dict[str, JsonValue]


_NEWER = frozenset({"priority", "delay_seconds", "concurrency_key", "snapshots", "session_id", "on_busy", "pause_before", "pause_after"})
"""Members that orders did not always have: left out, they are no part of a digest."""


class LimitsOrder(BaseModel):
    """Each may only lower what the workflow itself says."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    steps: Count | None = None
    visits: Count | None = None
    seconds: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] | None = None
    depth: Count | None = None
    fan_out: Count | None = None
    concurrency: Count | None = None
    cost_usd: Annotated[str, Field(strict=True, pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?$")] | None = None
    tokens: Count | None = None

    def given(self) -> dict[str, Any]:
        """What was said, by name; money as a number."""
        said = self.model_dump(exclude_none=True) if self.model_fields_set else {}
        return {name: Decimal(value) if name == "cost_usd" else value for name, value in said.items()}

    def lowering(self, limits: Limits) -> Limits:
        given = self.given()
        return replace(limits, **given) if given else limits

    def too_high(self, limits: Limits) -> Iterator[Problem]:
        for name, wanted in self.given().items():
            allowed = getattr(limits, name)
            if allowed is not None and wanted > allowed:
                sentence = f"the workflow allows {allowed}; an order may only lower it, not ask for {wanted}"
                yield Problem(f"/limits/{name}", "limit_raised", sentence)


class HowOrder(BaseModel):
    """How a run is to go, whatever it runs."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    mode: Annotated[Mode, Strict(False)] = Mode.ASYNC
    durability: Annotated[Durability, Strict(False)] = Durability.SYNC
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    limits: LimitsOrder = Field(default_factory=LimitsOrder)
    priority: Annotated[Priority, Strict(False)] | None = None
    """None: as the workflow's `flow` says, else normal."""
    delay_seconds: Annotated[float, Field(strict=True, ge=0, le=LONGEST_SECONDS, allow_inf_nan=False)] = 0.0
    concurrency_key: Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_KEY, pattern=r"^[^\x00]*$")] | None = None

    snapshots: SnapshotsOrder | None = None
    """Which ones the run takes of its thread by itself."""
    pause_before: Annotated[list[NodeName], Field(max_length=MOST_STOPS)] = Field(default_factory=list)
    """Names of nodes, also of inner graphs: the run is paused before each visit of one of them."""
    pause_after: Annotated[list[NodeName], Field(max_length=MOST_STOPS)] = Field(default_factory=list)
    on_busy: Annotated[OnBusy, Strict(False)] = OnBusy.ENQUEUE
    """What to do about an unfinished run of the thread: wait for its end, be refused, cancel it, or cancel it and undo what it did."""


class RunOrder(HowOrder):
    """`workflow`: `name` (its newest version), `name@1.2.0`, or a whole graph document. `input` must fit the workflow's own schemas."""

    workflow: Workflow
    input: dict[str, JsonValue] = Field(default_factory=dict)
    thread_id: Annotated[str, Field(strict=True, max_length=64)] | None = None
    session_id: Annotated[str, Field(strict=True, max_length=64)] | None = None
    """On its main thread, where `thread_id` names no other of its threads."""

    def digest(self) -> str:
        """Hex SHA-256, the same for bodies that ask for the same, in every version."""
        return digest_of("run", self.model_dump(mode="json", exclude=set(_NEWER - self.model_fields_set)))


def strange_stops(graph: Graph, order: RunOrder) -> Iterator[Problem]:
    """Breakpoints at nodes that there are not."""
    known = set(_names(graph)) if order.pause_before or order.pause_after else set()
    for key, stops in (("pause_before", order.pause_before), ("pause_after", order.pause_after)):
        for number, name in enumerate(stops):
            if name not in known:
                sentence = f"{graph.id} has no node `{name}`; it has {', '.join(sorted(known))}"[:2000]
                yield Problem(f"/{key}/{number}", "unknown_node", sentence)


def _names(graph: Graph) -> Iterator[str]:
    for name, node in graph.nodes.items():
        yield name
        if node.graph is not None:
            yield from _names(node.graph)


def misfits(schemas: Schemas, graph: Graph, given: dict[str, Json]) -> Iterator[Problem]:
    """What the workflow's input schema and its channels have against an input; pointers from the order's root."""
    if graph.input_schema is not None:
        yield from below("/input", tuple(schemas.compile(graph.input_schema).problems(given)))
    yield from input_too_large(given, "/input")
    for name, value in given.items():
        channel = graph.channels.get(name)
        if channel is not None:
            yield from below(pointer_to("/input", name), tuple(schemas.compile(channel.schema).problems(value)))

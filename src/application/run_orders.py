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
from domain.errors import Problem
from domain.graph.definition import Graph, Limits
from domain.graph.flow import Priority
from domain.json import Json
from domain.ports.schemas import Schemas
from domain.run.run import Durability, Mode

Count = Annotated[int, Field(strict=True, ge=1, le=2**53)]
REFERENCE = r"^[^@\x00-\x20]{1,200}(@[^@\x00-\x20]{1,100})?$"


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
        said = self.model_dump(exclude_none=True)
        return {name: Decimal(value) if name == "cost_usd" else value for name, value in said.items()}

    def lowering(self, limits: Limits) -> Limits:
        return replace(limits, **self.given())

    def too_high(self, limits: Limits) -> Iterator[Problem]:
        for name, wanted in self.given().items():
            allowed = getattr(limits, name)
            if allowed is not None and wanted > allowed:
                sentence = f"the workflow allows {allowed}; an order may only lower it, not ask for {wanted}"
                yield Problem(f"/limits/{name}", "limit_raised", sentence)


class RunOrder(BaseModel):
    """`workflow`: `name` (its newest version), `name@1.2.0`, or a whole graph document. `input` must fit the workflow's own schemas."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    workflow: Annotated[str, Field(strict=True, pattern=REFERENCE)] | dict[str, JsonValue]
    input: dict[str, JsonValue] = Field(default_factory=dict)
    thread_id: Annotated[str, Field(strict=True, max_length=64)] | None = None
    mode: Annotated[Mode, Strict(False)] = Mode.ASYNC
    durability: Annotated[Durability, Strict(False)] = Durability.SYNC
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    limits: LimitsOrder = Field(default_factory=LimitsOrder)
    priority: Annotated[Priority, Strict(False)] | None = None
    """None: as the workflow's `flow` says, else normal."""
    delay_seconds: Annotated[float, Field(strict=True, ge=0, le=LONGEST_SECONDS, allow_inf_nan=False)] = 0.0
    concurrency_key: Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_KEY, pattern=r"^[^\x00]*$")] | None = None

    def digest(self) -> str:
        """Hex SHA-256, the same for bodies that ask for the same, in every version."""
        newer = {"priority", "delay_seconds", "concurrency_key"} - self.model_fields_set
        return digest_of("run", self.model_dump(mode="json", exclude=newer))


def misfits(schemas: Schemas, graph: Graph, given: dict[str, Json]) -> Iterator[Problem]:
    """What the workflow's input schema and its channels have against an input; pointers from the order's root."""
    if graph.input_schema is not None:
        yield from below("/input", tuple(schemas.compile(graph.input_schema).problems(given)))
    for name, value in given.items():
        channel = graph.channels.get(name)
        if channel is not None:
            yield from below(pointer_to("/input", name), tuple(schemas.compile(channel.schema).problems(value)))

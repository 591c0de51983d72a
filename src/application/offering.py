"""Workflows as functions: what one takes and gives as JSON Schemas, and how it is called so that the call can be found again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from pydantic import JsonValue

from application.documents import parse_graph
from application.run_orders import RunOrder
from application.runs import StartedRun, StartRun
from application.views import json_object
from application.wiring import ports_of
from application.workflow_views import WorkflowView
from domain.access import Principal
from domain.graph.definition import Graph
from domain.ids import RunId
from domain.json import Json, JsonObject
from domain.ports.repositories import IdempotencyMark

_CALLS: Final = UUID("6f1f5f0e-6d0e-4f6a-9d6b-0f2b7c1a9e55")
"""The namespace of the ids of runs that are named by their calls."""


@dataclass(frozen=True, slots=True)
class WorkflowSignature:
    """`takes`: a schema of an object. `gives`: by name, what it puts out; null is always among it. `always`: the names that are there at
    every completion."""

    id: str
    takes: dict[str, JsonValue]
    gives: dict[str, JsonValue]
    always: tuple[str, ...]

    @classmethod
    def of(cls, workflow: WorkflowView) -> "WorkflowSignature":
        """Of a version with its document."""
        graph = parse_graph(workflow.document)
        gives = {name: _or_null(schema) for name, schema in ports_of(graph).gives.items()}
        return cls(graph.id, json_object(_takes(graph)), json_object(gives), tuple(graph.output or ()))


def _takes(graph: Graph) -> JsonObject:
    """Its input schema, else one with its channels: input that is named like a channel starts that channel."""
    if graph.input_schema is not None:
        return {**graph.input_schema, "type": "object"}
    channels = {name: _alone(channel.schema) for name, channel in graph.channels.items()}
    return {"type": "object", "properties": channels}


def _or_null(schema: JsonObject) -> JsonObject:
    alone = _alone(schema)
    return {"anyOf": [alone, {"type": "null"}]} if alone else {}


def _alone(schema: JsonObject) -> JsonObject:
    """A schema that refers to parts of itself means something else inside another one."""
    return {} if _refers(schema) else schema


def _refers(schema: Json) -> bool:
    match schema:
        case Mapping():
            return "$ref" in schema or "$dynamicRef" in schema or any(_refers(inner) for inner in schema.values())
        case list() | tuple():
            return any(_refers(inner) for inner in schema)
        case _:
            return False


def run_of_call(who: Principal, call: str) -> str:
    """The id of the run that a call starts, known to whoever knows the call. `call`: unique among all that this key ever makes."""
    return str(uuid5(_CALLS, f"{who.tenant}\n{who.name}\n{call}"))


async def start_called(start: StartRun, who: Principal, order: RunOrder, call: str, key: str | None = None) -> StartedRun:
    """The same call again is answered with the run it had started; so is one with a `key` that came before."""
    run = run_of_call(who, call)
    mark = IdempotencyMark(key or f"call {run}", order.digest(), start.clock.now())
    return await start.begin(who, order, mark, RunId(run))

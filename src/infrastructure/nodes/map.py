"""`map` runs a graph once per item of a list. Output: the items' outputs, in item order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from domain.errors import NodeExecutionError
from domain.graph.definition import Join, Node
from domain.json import Json, JsonObject
from domain.ports.expressions import Scope, Value
from domain.ports.nodes import Executor, Inspection, NodeContext, OpenFrames, Workshop
from infrastructure.nodes.config import Name, NodeConfig, Written, read_config, schema_of
from infrastructure.nodes.findings import Findings


class MapConfig(NodeConfig):
    """`over` is a value that gives a list. `input` is one that gives an object, for each `item` and its `index`; without it an item that is
    an object is the input, and any other becomes `{item: ...}`. `enough`: stop after so many items are done."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["workflow"]}, {"required": ["graph"]}]})

    over: str | list[Written]
    workflow: Name = ""
    graph: dict[str, Written] = Field(default_factory=dict)
    input: dict[str, Written] | str | None = None
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 100
    on_item_error: Literal["fail", "collect"] = "fail"
    enough: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True, slots=True)
class MapOpening:
    config: MapConfig
    over: Value
    input: Value | None

    def __call__(self, context: NodeContext) -> OpenFrames:
        items = self.over(context.scope)
        if not isinstance(items, list | tuple):
            raise NodeExecutionError(f"`over` must give a list: `{self.over.source}` does not", "not_a_list")
        return OpenFrames(
            inputs=[self._input(context.scope, item, index) for index, item in enumerate(items)],
            workflow=self.config.workflow,
            items=items,
            concurrency=self.config.concurrency,
            collect_errors=self.config.on_item_error == "collect",
            enough=self.config.enough or 0,
            is_map=True,
        )

    def _input(self, scope: Scope, item: Json, index: int) -> JsonObject:
        if self.input is None:
            return item if isinstance(item, Mapping) else {"item": item}
        return object_from(self.input, {**scope, "item": item, "index": index})


def object_from(value: Value, scope: Scope) -> JsonObject:
    """The input of a child frame."""
    made = value(scope)
    if isinstance(made, Mapping):
        return made
    raise NodeExecutionError(f"`input` must give an object: `{value.source}` does not", "invalid_input")


@dataclass(frozen=True, slots=True)
class MapKind:
    name: str = "map"
    default_join: Join | None = None

    @property
    def schema(self) -> JsonObject:
        return schema_of(MapConfig)

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        config, findings = read_config(MapConfig, node), Findings(workshop)
        findings.value("/over", config.over)
        findings.value("/input", config.input)
        if isinstance(config.over, str) and not config.over.startswith("${"):
            findings.problem("/over", "not_a_list", "`over` must be a list, or `${...}` that gives one")
        return findings.inspection(config.workflow)

    def build(self, node: Node, workshop: Workshop) -> Executor:
        config, value = read_config(MapConfig, node), workshop.expressions.value
        opening = MapOpening(config, value(config.over), None if config.input is None else value(config.input))
        return Executor(opening, waits=False)


kind = MapKind()

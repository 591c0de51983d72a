"""`workflow` runs another workflow, or this one (`self`), in a child frame. Output: the child's output."""

from dataclasses import dataclass

from pydantic import Field

from domain.graph.definition import Join, Node
from domain.json import JsonObject
from domain.ports.expressions import Value
from domain.ports.nodes import Executor, Inspection, NodeContext, OpenFrames, Workshop
from infrastructure.nodes.config import Name, NodeConfig, Written, read_config, schema_of
from infrastructure.nodes.findings import Findings
from infrastructure.nodes.map import object_from


class WorkflowConfig(NodeConfig):
    """`workflow`: `name`, `name@version` or `self`. `input` is a value that gives an object."""

    workflow: Name
    input: dict[str, Written] | str = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkflowOpening:
    workflow: str
    input: Value

    def __call__(self, context: NodeContext) -> OpenFrames:
        return OpenFrames(inputs=[object_from(self.input, context.scope)], workflow=self.workflow)


@dataclass(frozen=True, slots=True)
class WorkflowKind:
    name: str = "workflow"
    default_join: Join | None = None

    @property
    def schema(self) -> JsonObject:
        return schema_of(WorkflowConfig)

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        config, findings = read_config(WorkflowConfig, node), Findings(workshop)
        findings.value("/input", config.input)
        return findings.inspection(config.workflow)

    def build(self, node: Node, workshop: Workshop) -> Executor:
        config = read_config(WorkflowConfig, node)
        return Executor(WorkflowOpening(config.workflow, workshop.expressions.value(config.input)), waits=False)


kind = WorkflowKind()

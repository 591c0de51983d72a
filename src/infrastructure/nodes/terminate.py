"""`terminate` ends its own frame at once, and cancels what is still running in it; in the root frame that ends the run."""

from dataclasses import dataclass
from typing import Literal

from domain.graph.definition import Join, JoinKind, Node
from domain.json import JsonObject
from domain.ports.expressions import Value
from domain.ports.nodes import EndFrame, Executor, Inspection, NodeContext, Workshop
from infrastructure.nodes.config import NodeConfig, Written, read_config, schema_of
from infrastructure.nodes.findings import Findings


class TerminateConfig(NodeConfig):
    """`output` is a value."""

    output: Written = None
    status: Literal["completed", "failed"] = "completed"


@dataclass(frozen=True, slots=True)
class Ending:
    completed: bool
    output: Value

    def __call__(self, context: NodeContext) -> EndFrame:
        return EndFrame(self.completed, self.output(context.scope))


_ANY = Join(JoinKind.ANY)


@dataclass(frozen=True, slots=True)
class TerminateKind:
    name: str = "terminate"
    default_join: Join | None = _ANY

    @property
    def schema(self) -> JsonObject:
        return schema_of(TerminateConfig)

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        findings = Findings(workshop)
        findings.value("/output", read_config(TerminateConfig, node).output)
        return findings.inspection()

    def build(self, node: Node, workshop: Workshop) -> Executor:
        config = read_config(TerminateConfig, node)
        return Executor(Ending(config.status == "completed", workshop.expressions.value(config.output)), waits=False)


kind = TerminateKind()

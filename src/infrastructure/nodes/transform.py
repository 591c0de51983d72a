"""`transform` computes expressions into channels: all it does is in its `writes`."""

from dataclasses import dataclass

from domain.graph.definition import Join, Node
from domain.json import JsonObject
from domain.ports.nodes import Executor, Finished, Inspection, NodeContext, Workshop
from infrastructure.nodes.config import NodeConfig, schema_of


class TransformConfig(NodeConfig):
    """`writes` is a key of every node, and this kind needs no other."""


_DONE = Finished({})


def _finish(_: NodeContext) -> Finished:
    return _DONE


@dataclass(frozen=True, slots=True)
class TransformKind:
    name: str = "transform"
    default_join: Join | None = None

    @property
    def schema(self) -> JsonObject:
        return schema_of(TransformConfig)

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        return Inspection()

    def build(self, node: Node, workshop: Workshop) -> Executor:
        return Executor(_finish, waits=False)


kind = TransformKind()

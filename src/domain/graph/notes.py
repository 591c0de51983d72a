"""What a picture says beside what its graph does."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from domain.graph.definition import Graph
from domain.ids import NodeId

NodePath: TypeAlias = str
"""A node with those it stands in: `review/draft`."""


@dataclass(frozen=True, slots=True)
class Notes:
    """`arrows`: by what they lead from and to. `scope`: what the graph that is being drawn stands in."""

    boxes: Mapping[NodePath, str] = field(default_factory=dict)
    arrows: Mapping[tuple[NodePath, NodePath], str] = field(default_factory=dict)
    scope: NodePath = ""

    def on_box(self, node: NodeId) -> str:
        return self.boxes.get(self.scope + node, "")

    def on_arrow(self, source: NodeId, target: NodeId) -> str:
        return self.arrows.get((self.scope + source, self.scope + target), "")

    def within(self, node: NodeId) -> "Notes":
        return replace(self, scope=f"{self.scope}{node}/")


NO_NOTES: Final = Notes()


def scopes(graph: Graph, scope: NodePath = "") -> dict[NodePath, Graph]:
    """The graph and all that stand in it, by what their nodes' paths begin with."""
    found = {scope: graph}
    for node in graph.nodes.values():
        if node.graph is not None:
            found |= scopes(node.graph, f"{scope}{node.id}/")
    return found

"""Which activations of a journal are those of tool nodes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from application.versions import SELF
from domain.errors import NotFound
from domain.graph.definition import Graph, Node
from domain.ids import ActivationPath, ContentHash, NodeId, RunId, TenantId
from domain.ports.journal import Journal, Recorded
from domain.ports.repositories import Runs, Workflows
from domain.run.events import RunContinued, RunStarted

TOOL: Final = "tool"
_FIRST: Final = frozenset({RunStarted.kind, RunContinued.kind})
"""What a run's first row is; before it there may be what it undid."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a run runs. `versions`: as its first row says."""

    graph: Graph
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ToolNodes:
    """Looks up each run once. What is not there any more has no tools to tell of."""

    tenant: TenantId
    journal: Journal
    runs: Runs
    workflows: Workflows
    _runs: dict[RunId, _Known | None] = field(default_factory=dict)

    async def __call__(self, row: Recorded, activation: ActivationPath) -> str | None:
        if row.run not in self._runs:
            self._runs[row.run] = await self._look_up(row)
        known = self._runs[row.run]
        node = None if known is None else await self._node(known, activation)
        return str(node.config["tool"]) if node is not None and node.kind == TOOL else None

    async def _look_up(self, row: Recorded) -> _Known | None:
        try:
            run = await self.runs.get(self.tenant, row.run)
        except NotFound:
            return None
        graph = await self._graph(run.workflow_hash)
        first = await self.journal.read(self.tenant, row.thread, run.first, 2, run.id)
        versions: Mapping[str, str] = next((json.loads(one.body)["versions"] for one in first if one.kind in _FIRST), {})
        return None if graph is None else _Known(graph, versions)

    async def _graph(self, content: str) -> Graph | None:
        try:
            return (await self.workflows.by_hash(self.tenant, ContentHash(content))).graph
        except NotFound:
            return None

    async def _node(self, known: _Known, activation: ActivationPath) -> Node | None:
        """Step by step from the root frame: into an inner graph, or into the workflow that a node runs."""
        *above, last = [NodeId(step.partition("#")[0]) for step in activation.split("/")[1:]]
        whole: Graph | None = known.graph
        graph = whole
        for step in above:
            node = None if graph is None else graph.nodes.get(step)
            if node is None:
                return None
            if node.graph is not None:
                graph = node.graph
            elif (reference := node.config.get("workflow")) == SELF:
                graph = whole
            else:
                graph = whole = await self._graph(known.versions.get(str(reference), ""))
        return None if graph is None else graph.nodes.get(last)

"""Which activations of a journal are those of tool nodes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

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
    """What a run runs: the version it is of, and the one it began as, should it have moved since. `versions`: as its first row says."""

    graphs: tuple[Graph, ...]
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
        rows = await self.journal.read(self.tenant, row.thread, run.first, 2, run.id)
        first: dict[str, Any] = next((json.loads(one.body) for one in rows if one.kind in _FIRST), {})
        hashes = dict.fromkeys((run.workflow_hash, first.get("workflow", run.workflow_hash)))
        found = [await self._graph(content) for content in hashes]
        return _Known(tuple(graph for graph in found if graph is not None), first.get("versions", {}))

    async def _graph(self, content: str) -> Graph | None:
        try:
            return (await self.workflows.by_hash(self.tenant, ContentHash(content))).graph
        except NotFound:
            return None

    async def _node(self, known: _Known, activation: ActivationPath) -> Node | None:
        for graph in known.graphs:
            node = await self._node_in(graph, known.versions, activation)
            if node is not None:
                return node
        return None

    async def _node_in(self, root: Graph, versions: Mapping[str, str], activation: ActivationPath) -> Node | None:
        """Step by step from the root frame: into an inner graph, or into the workflow that a node runs."""
        *above, last = [NodeId(step.partition("#")[0]) for step in activation.split("/")[1:]]
        whole: Graph | None = root
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
                graph = whole = await self._graph(versions.get(str(reference), ""))
        return None if graph is None else graph.nodes.get(last)

"""A graph as its author wrote it: pure data, no opinion about how it runs. The keys are those of the published document format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.graph.flow import FlowRules
from domain.ids import NodeId
from domain.json import Json, JsonObject

START: Final = NodeId("start")
END: Final = NodeId("end")


class EdgeType(StrEnum):
    SIMPLE = "simple"
    CONDITIONAL = "conditional"
    FLEXIBLE_CONDITIONAL = "flexible_conditional"


class Merge(StrEnum):
    """How an update meets the value that a channel holds."""

    REPLACE = "replace"
    APPEND = "append"
    MERGE = "merge"
    ADD = "add"
    MAX = "max"
    MIN = "min"
    UNION = "union"
    MESSAGES = "messages"


class JoinKind(StrEnum):
    ALL = "all"
    ANY = "any"
    COUNT = "count"
    FROM = "from"


class OnStarved(StrEnum):
    FAIL = "fail"
    RUN = "run"
    DROP = "drop"


class Take(StrEnum):
    FIRST = "first"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Channel:
    """One named value of the state. `schema` is plain JSON Schema, without our own keys."""

    name: str
    schema: JsonObject = field(default_factory=dict)
    merge: Merge = Merge.REPLACE
    default: Json = None
    has_default: bool = False
    last_wins: bool = False
    """`on_conflict: last`: a concurrent replace is not an error."""


@dataclass(frozen=True, slots=True)
class Join:
    kind: JoinKind = JoinKind.ALL
    count: int = 0
    sources: tuple[NodeId, ...] = ()
    cancel_rest: bool = False
    on_starved: OnStarved = OnStarved.FAIL


@dataclass(frozen=True, slots=True)
class RetryRule:
    """`attempts` counts the first try. Seconds grow by `factor` from `first_seconds` up to `max_seconds`. No `codes`: whatever is
    retryable."""

    attempts: int = 1
    first_seconds: float = 1.0
    factor: float = 2.0
    max_seconds: float = 60.0
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    steps: int = 10_000
    visits: int = 1_000
    seconds: float = 3_600.0
    depth: int = 20
    fan_out: int = 10_000
    concurrency: int = 100
    cost_usd: Decimal | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Node:
    """`config` holds the keys of the node's kind as written; `graph` is the parsed inner graph of a `map` that has one."""

    id: NodeId
    kind: str
    config: JsonObject = field(default_factory=dict)
    writes: Mapping[str, Json] = field(default_factory=dict)
    join: Join | None = None
    retry: RetryRule = field(default_factory=RetryRule)
    timeout_seconds: float | None = None
    concurrency: int = 1
    description: str = ""
    position: Point | None = None
    graph: "Graph | None" = None
    compensate: NodeId | None = None
    """The node that undoes this one."""


@dataclass(frozen=True, slots=True)
class Route:
    when: str
    target: NodeId


@dataclass(frozen=True, slots=True)
class Edge:
    """`simple` and `conditional` have one target. A `flexible_conditional` has `routes` (and `otherwise`), or `choose` with its listed
    `targets`.

    `on_error`: None for an ordinary edge, () for any error, else the error codes it takes.
    """

    id: str
    source: NodeId
    edge_type: EdgeType = EdgeType.SIMPLE
    target: NodeId | None = None
    condition: str | None = None
    routes: tuple[Route, ...] = ()
    otherwise: NodeId | None = None
    take: Take = Take.FIRST
    choose: str | None = None
    targets: tuple[NodeId, ...] = ()
    on_error: tuple[str, ...] | None = None

    def reaches(self) -> tuple[NodeId, ...]:
        """Every node this edge may lead to, in the order it names them, each once."""
        named = [self.target, *(route.target for route in self.routes), self.otherwise, *self.targets]
        return tuple(dict.fromkeys(node for node in named if node is not None))

    def catches(self, code: str) -> bool:
        return self.on_error is not None and (not self.on_error or code in self.on_error)


@dataclass(frozen=True, slots=True)
class Graph:
    name: str
    version: str
    nodes: Mapping[NodeId, Node]
    edges: tuple[Edge, ...]
    channels: Mapping[str, Channel] = field(default_factory=dict)
    input_schema: JsonObject | None = None
    output: Mapping[str, Json] | None = None
    limits: Limits = field(default_factory=Limits)
    description: str = ""
    tags: tuple[str, ...] = ()
    metadata: JsonObject = field(default_factory=dict)
    flow: FlowRules | None = None
    permissions: tuple[str, ...] | None = None
    """Names of tools that its runs may call, one that ends in `*` for all that begin so; None: it does not say."""

    @property
    def id(self) -> str:
        return f"{self.name}@{self.version}"

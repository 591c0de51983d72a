"""`wait` lets some seconds pass, holding nothing meanwhile. Output: `{woke_by, payload}`."""

from dataclasses import dataclass

from domain.errors import NodeExecutionError
from domain.graph.definition import Join, Node
from domain.json import Json, JsonObject
from domain.ports.expressions import Value
from domain.ports.nodes import LONGEST_SECONDS, Executor, Inspection, NodeContext, Park, Workshop
from infrastructure.nodes.config import NodeConfig, read_config, schema_of
from infrastructure.nodes.findings import Findings

_REFUSED = f"`seconds` must be a number that is not negative and at most {LONGEST_SECONDS:,} (ten years), or `${{...}}` that gives one"


class WaitConfig(NodeConfig):
    """`seconds` is a value that gives a number."""

    seconds: int | float | str


def _is_duration(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST_SECONDS


@dataclass(frozen=True, slots=True)
class Waiting:
    seconds: Value

    def __call__(self, context: NodeContext) -> Park:
        seconds = self.seconds(context.scope)
        if not isinstance(seconds, int | float) or not _is_duration(seconds):
            raise NodeExecutionError(f"{_REFUSED}: `{self.seconds.source}` gives {str(seconds)[:60]}", "invalid_seconds")
        return Park("timer", context.now() + seconds, {"woke_by": "timer", "payload": None})


@dataclass(frozen=True, slots=True)
class WaitKind:
    name: str = "wait"
    default_join: Join | None = None

    @property
    def schema(self) -> JsonObject:
        return schema_of(WaitConfig)

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        seconds, findings = read_config(WaitConfig, node).seconds, Findings(workshop)
        findings.value("/seconds", seconds)
        if not (_is_duration(seconds) or (isinstance(seconds, str) and "${" in seconds)):
            findings.problem("/seconds", "invalid_seconds", _REFUSED)
        return findings.inspection()

    def build(self, node: Node, workshop: Workshop) -> Executor:
        return Executor(Waiting(workshop.expressions.value(read_config(WaitConfig, node).seconds)), waits=False)


kind = WaitKind()
